"""A small embeddings endpoint for measuring: `python -m bench.knowledge.endpoint FOLDER [PORT]`.

It speaks OpenAI's protocol and runs a BERT model (such as all-MiniLM-L6-v2) in numpy. FOLDER has `model.safetensors`,
`vocab.txt` and `config.json`; nothing is downloaded.
"""

import json
import re
import sys
import unicodedata
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
TOKENS = 128
BATCH = 16
_KINDS = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


class BertModel:
    """Mean-pooled sentence vectors."""

    def __init__(self, folder: Path) -> None:
        self._weights = _tensors(folder / "model.safetensors")
        self._config = json.loads((folder / "config.json").read_text("utf-8"))
        self._vocabulary = {word: n for n, word in enumerate((folder / "vocab.txt").read_text("utf-8").splitlines())}

    def embed(self, texts: list[str]) -> Array:
        tokens = [self._tokens(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda number: len(tokens[number]))
        vectors: Array = np.zeros((len(texts), self._config["hidden_size"]), dtype=np.float32)
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            vectors[some] = self._forward([tokens[number] for number in some])
        return vectors

    def _tokens(self, text: str) -> list[int]:
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        pieces = [piece for word in re.findall(r"\w+|[^\w\s]", plain) for piece in self._pieces(word)]
        known = self._vocabulary
        return [known["[CLS]"], *(known[piece] for piece in pieces[: TOKENS - 2]), known["[SEP]"]]

    def _pieces(self, word: str) -> list[str]:
        found: list[str] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else "##" + word[start:end]
                if piece in self._vocabulary:
                    break
            else:
                return ["[UNK]"]
            found.append(piece)
            start = end
        return found

    def _forward(self, tokens: list[list[int]]) -> Array:
        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), dtype=np.int64)
        mask: Array = np.zeros((len(tokens), longest), dtype=np.float32)
        for row, some in enumerate(tokens):
            ids[row, : len(some)] = some
            mask[row, : len(some)] = 1
        w = self._weights
        state = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:longest]
        state = self._normed(state + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        hidden_from = (1 - mask)[:, None, None, :] * -1e9
        for layer in range(self._config["num_hidden_layers"]):
            state = self._layer(state, hidden_from, f"encoder.layer.{layer}")
        pooled: Array = (state * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return pooled

    def _layer(self, state: Array, hidden_from: Array, name: str) -> Array:
        heads = self._config["num_attention_heads"]
        rows, length, size = state.shape
        q, k, v = (
            self._dense(state, f"{name}.attention.self.{part}").reshape(rows, length, heads, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(size / heads) + hidden_from
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        seen = (weights @ v).transpose(0, 2, 1, 3).reshape(rows, length, size)
        state = self._normed(
            state + self._dense(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inner = self._dense(state, f"{name}.intermediate.dense")
        # The tanh form of GELU is close enough to the model's own.
        inner = 0.5 * inner * (1 + np.tanh(0.7978845608 * (inner + 0.044715 * inner**3)))
        return self._normed(state + self._dense(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _dense(self, state: Array, name: str) -> Array:
        out: Array = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return out

    def _normed(self, state: Array, name: str) -> Array:
        centred = state - state.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        out: Array = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return out


def _tensors(file: Path) -> dict[str, Array]:
    """The tensors of a safetensors file, in single precision."""
    raw = file.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    found: dict[str, Array] = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            values = np.frombuffer(raw[start:end], dtype=_KINDS[entry["dtype"]]).reshape(entry["shape"])
            found[name.removeprefix("bert.")] = values.astype(np.float32)
    return found


def endpoint(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """The server, not yet serving."""
    model = BertModel(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            data = [
                {"object": "embedding", "index": number, "embedding": vector.tolist()}
                for number, vector in enumerate(model.embed(texts))
            ]
            body = json.dumps({"object": "list", "model": asked["model"], "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    server = endpoint(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 8090)
    print(f"http://127.0.0.1:{server.server_port}/v1")
    server.serve_forever()
