"""The vectors of a site's passages, as documents of the settings store: `vectors/<site>/<key>`.

A vector belongs to a text and a model, so it is made once and outlives a crawl that leaves the text as it is.
"""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict

# At most so many vectors a document: 64 of 1,024 numbers are 128 KB.
BATCH = 64


class _Vectors(Struct, frozen=True):
    model: str
    vectors: dict[str, bytes]


def text_key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class StoredVectors:
    """Vectors are bytes here: half-precision numbers, one after the other."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store

    async def load(self, site_id: str, model: str) -> dict[str, bytes]:
        """Text key -> vector, of one model. Documents of another model are removed."""
        found: dict[str, bytes] = {}
        for name in await self._store.names(f"vectors/{site_id}/"):
            document = await self._store.get(name)
            try:
                stored = msgspec.msgpack.decode(document.value if document else b"", type=_Vectors)
            except msgspec.DecodeError:
                stored = _Vectors("", {})
            if stored.model == model:
                found |= stored.vectors
            else:
                await self._store.remove(name)
        return found

    async def put(self, site_id: str, model: str, vectors: Mapping[str, bytes]) -> None:
        """Store at most `BATCH` new vectors."""
        name = f"vectors/{site_id}/{text_key(model + ''.join(sorted(vectors)))}"
        try:
            await self._store.put(name, msgspec.msgpack.encode(_Vectors(model, dict(vectors))), 0)
        except VersionConflict:
            # Another process has stored the same vectors.
            return

    async def prune(self, site_id: str, kept: Iterable[str]) -> None:
        """Remove the documents of which no vector is kept."""
        wanted = set(kept)
        for name in await self._store.names(f"vectors/{site_id}/"):
            document = await self._store.get(name)
            if (
                document is not None
                and not wanted & msgspec.msgpack.decode(document.value, type=_Vectors).vectors.keys()
            ):
                await self._store.remove(name)
