"""What the Firestore chaos tests share: storages through a proxy or straight to the emulator, on data of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.firestore import FirestoreSettings
from tests.services.firestore import named


def settings_for(prefix: str, deadline: float = 10.0) -> StoreSettings:
    return StoreSettings(backend="firestore", options=FirestoreSettings(collection_prefix=prefix), deadline=deadline)


@asynccontextmanager
async def opened(address: str, prefix: str, deadline: float = 10.0) -> AsyncIterator[Storage]:
    """A storage of its own channel, as of a process of its own."""
    with named(address):
        storage = await open_storage(settings_for(prefix, deadline))
    try:
        yield storage
    finally:
        await storage.close()


@asynccontextmanager
async def documents(address: str, prefix: str) -> AsyncIterator[Any]:
    """Google's own client, to look at and to damage what is stored: `await stored()` lists all paths."""
    from google.cloud.firestore import AsyncClient

    with named(address):
        client = AsyncClient(project="leflux")
    try:
        yield _Documents(client, prefix)
    finally:
        await client._firestore_api.transport.close()


class _Documents:
    def __init__(self, client: Any, prefix: str) -> None:
        self.client = client
        self._prefix = prefix

    def reference(self, path: str) -> Any:
        return self.client.document(self._prefix + path)

    async def stored(self) -> list[str]:
        """The paths of all documents below the prefix, without it, also of those whose parent is gone."""
        found: list[str] = []
        async for collection in self.client.collections():
            if collection.id.startswith(self._prefix):
                found += await self._below(collection)
        return sorted(path.removeprefix(self._prefix) for path in found)

    async def _below(self, collection: Any) -> list[str]:
        found: list[str] = []
        async for document in collection.list_documents():
            if (await document.get()).exists:
                found.append(document.path)
            async for nested in document.collections():
                found += await self._below(nested)
        return found
