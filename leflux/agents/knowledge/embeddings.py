"""Finds passages by their meaning: vectors from any endpoint that speaks OpenAI's embeddings protocol.

What the endpoint returns is untrusted: vectors of another length, with a number that is none, or too few of them are
refused, and the words alone decide.
"""

import asyncio
from collections.abc import Sequence

import numpy as np
import structlog
from msgspec import Struct
from numpy.typing import NDArray
from openai import AsyncOpenAI, OpenAIError

from leflux.agents.knowledge.passages import Passage
from leflux.agents.knowledge.search import SearchIndex
from leflux.config import EmbeddingSettings
from leflux.sites.stored_vectors import BATCH, StoredVectors, text_key

Matrix = NDArray[np.float32]
MAX_NUMBERS = 8_192
# A question does not wait longer for its vector.
QUESTION_SECONDS = 3.0
PASSAGE_CHARS = 700

log = structlog.get_logger(__name__)


class VectorsRefused(Exception):
    """The endpoint failed, or what it returned cannot be used. The message says why."""


class Meaning(Struct, frozen=True):
    """The vectors of all passages of a site, each of length one; `usual`: how like its passages are to each other."""

    vectors: Matrix
    usual: float

    def closeness(self, question: Matrix) -> Matrix | None:
        """How close each passage is, from 0 (as close as any) to 1; None for a vector of another length.

        Models differ in how like they find what has nothing in common, so that is taken as the zero.
        """
        if question.shape != self.vectors.shape[1:]:
            return None
        cosines: Matrix = self.vectors @ question
        close: Matrix = np.clip((cosines - self.usual) / (1 - self.usual), 0, 1).astype(np.float32)
        return close

    @classmethod
    def of(cls, vectors: Matrix) -> "Meaning":
        sample = vectors[:: max(1, len(vectors) // 200)]
        return cls(vectors, float(np.median(sample @ sample.T)))


class Embedder:
    """Asks the endpoint, and keeps what it was told about passages in `stored`."""

    def __init__(self, settings: EmbeddingSettings, stored: StoredVectors) -> None:
        self._settings = settings
        self._stored = stored
        self._client = AsyncOpenAI(
            base_url=settings.base_url, api_key=settings.api_key or "none", timeout=settings.timeout, max_retries=1
        )

    async def close(self) -> None:
        await self._client.close()

    async def question(self, text: str) -> Matrix | None:
        """The vector of a question; None when there is none in time."""
        try:
            async with asyncio.timeout(QUESTION_SECONDS):
                vector: Matrix = (await self._embed([text]))[0]
        except (VectorsRefused, TimeoutError) as error:
            log.warning("a question is answered by its words alone", reason=str(error) or "the endpoint is slow")
            return None
        return vector

    async def meaning(self, site_id: str, index: SearchIndex) -> Meaning | None:
        """The vectors of the site's passages. What is stored is not asked again. Raises `VectorsRefused`."""
        texts = [passage_text(index, passage) for passage in index.passages]
        keys = [text_key(text) for text in texts]
        known = await self._stored.load(site_id, self._settings.model)
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            made = await self._embed([text for _, text in batch])
            new = {key: vector.astype(np.float16).tobytes() for (key, _), vector in zip(batch, made, strict=True)}
            await self._stored.put(site_id, self._settings.model, new)
            known |= new
            log.info("passages embedded", site=site_id, done=start + len(batch), of=len(missing))
        if missing:
            await self._stored.prune(site_id, keys)
        vectors = await asyncio.to_thread(_matrix, [known[key] for key in keys])
        return Meaning.of(vectors) if len(vectors) else None

    async def _embed(self, texts: Sequence[str]) -> Matrix:
        try:
            answer = await self._client.embeddings.create(
                model=self._settings.model, input=list(texts), encoding_format="float"
            )
            found = [item.embedding for item in sorted(answer.data or [], key=lambda item: item.index)]
        except OpenAIError as error:
            raise VectorsRefused(f"the endpoint failed: {type(error).__name__}") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise VectorsRefused(f"the answer is malformed: {type(error).__name__}") from error
        return checked(found, len(texts))


def checked(found: Sequence[Sequence[float]], wanted: int) -> Matrix:
    """The vectors, each of length one. Raises `VectorsRefused`."""
    if len(found) != wanted:
        raise VectorsRefused(f"{wanted} vectors were asked for, {len(found)} came")
    if len({len(vector) for vector in found}) != 1 or not 0 < len(found[0]) <= MAX_NUMBERS:
        raise VectorsRefused("the vectors have different lengths, or none")
    try:
        vectors: Matrix = np.asarray(found, dtype=np.float32)
    except (TypeError, ValueError):
        raise VectorsRefused("a vector holds something that is no number") from None
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(vectors).all() or not np.isfinite(lengths).all() or not lengths.all():
        raise VectorsRefused("a vector holds a number that is none, or only zeros")
    unit: Matrix = (vectors / lengths).astype(np.float32)
    return unit


def passage_text(index: SearchIndex, passage: Passage) -> str:
    """What is embedded of a passage: its page's title, its heading and its text."""
    text = " ".join(block.text for block in passage.blocks)
    return f"{index.pages[passage.page].title}. {passage.section.heading}. {text}"[:PASSAGE_CHARS]


def _matrix(stored: Sequence[bytes]) -> Matrix:
    rows = [np.frombuffer(one, dtype=np.float16).astype(np.float32) for one in stored]
    if len({len(row) for row in rows}) > 1:
        raise VectorsRefused("the stored vectors have different lengths")
    return checked([row.tolist() for row in rows], len(rows)) if rows else np.zeros((0, 1), dtype=np.float32)
