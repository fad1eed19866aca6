"""Settings documents that are found by a secret, of which only a hash is stored."""

import hashlib
from typing import Generic, NamedTuple, TypeVar

import msgspec

from backends.base import SettingsStore
from backends.errors import VersionConflict

ID_CHARS = 16
T = TypeVar("T")


class HashedDocument(NamedTuple, Generic[T]):
    """A stored document. `id` names it to its owner; it opens nothing."""

    id: str
    name: str
    document: T
    version: int


class HashedDocuments(Generic[T]):
    """One folder of documents of one `kind`."""

    def __init__(self, store: SettingsStore, folder: str, kind: type[T]) -> None:
        self._store = store
        self._folder = folder
        self._kind = kind

    def id(self, secret: str) -> str:
        return self._entry_id(self._name(secret))

    async def get(self, secret: str) -> HashedDocument[T] | None:
        return await self._read(self._name(secret))

    async def all(self) -> list[HashedDocument[T]]:
        entries = [await self._read(name) for name in await self._store.names(f"{self._folder}/")]
        return [entry for entry in entries if entry is not None]

    async def put(self, secret: str, document: T, expect: int) -> None:
        """Raises `VersionConflict`."""
        await self._store.put(self._name(secret), msgspec.json.encode(document), expect)

    async def note(self, entry: HashedDocument[T], document: T) -> None:
        """Replace an unchanged entry; one that was changed or removed meanwhile stays as it is."""
        try:
            await self._store.put(entry.name, msgspec.json.encode(document), entry.version)
        except VersionConflict:
            return

    async def remove(self, entry: HashedDocument[T]) -> None:
        await self._store.remove(entry.name)

    async def remove_secret(self, secret: str) -> None:
        await self._store.remove(self._name(secret))

    async def any(self) -> bool:
        return bool(await self._store.names(f"{self._folder}/"))

    async def _read(self, name: str) -> HashedDocument[T] | None:
        found = await self._store.get(name)
        if found is None:
            return None
        document = msgspec.json.decode(found.value, type=self._kind)
        return HashedDocument(self._entry_id(name), name, document, found.version)

    def _name(self, secret: str) -> str:
        return f"{self._folder}/{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def _entry_id(self, name: str) -> str:
        return name.removeprefix(f"{self._folder}/")[:ID_CHARS]
