"""Finds a word in the bytes of the stores, without the product's code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.cloud.firestore import Client

from tests.conftest import Services
from tests.server.owner_kit import OwnerKit, owning
from tests.services import firestore
from tests.services.redis import RedisServer, redis

Search = Callable[[str], Awaitable[list[str]]]
"""The names of what holds a word."""
STORES = ["sqlite", "split", "redis", "firestore"]
"""`split`: the log is a store of its own, behind an outbox."""


def in_files(folder: Path) -> Search:
    """The bytes of every file, write-ahead logs included."""

    def look(word: str) -> list[str]:
        files = [file for file in folder.rglob("*") if file.is_file()]
        return [file.name for file in files if word.encode() in file.read_bytes()]

    return lambda word: asyncio.to_thread(look, word)


def in_redis(server: RedisServer) -> Search:
    """Every key, by name and as dumped."""
    return lambda word: asyncio.to_thread(server.keys_with, word.encode())


def in_firestore(address: str, prefix: str) -> Search:
    """Every document below the collections of one deployment; reading those of all tests would take minutes."""

    def look(word: str) -> list[str]:
        with firestore.named(address):
            client = Client(project="leflux")
        try:
            return [path for path, text in documents(client, prefix) if word in path + text]
        finally:
            client._firestore_api.transport.close()

    return lambda word: asyncio.to_thread(look, word)


def documents(parent: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Path and content of every document below a client or a document, also where only its children exist."""
    found = []
    for collection in parent.collections():
        if not collection.id.startswith(prefix):
            continue
        for reference in collection.list_documents():
            found.append((reference.path, repr(reference.get().to_dict())))
            found += documents(reference)
    return found


@asynccontextmanager
async def searched(
    kind: str, folder: Path, services: Services, **sections: Any
) -> AsyncIterator[tuple[OwnerKit, Search]]:
    """A server on one of `STORES`, and how to look into what it stores, also after its end."""
    if kind == "redis":
        server: RedisServer = services.get(redis)
        section = {"redis": {"url": server.url, "prefix": f"{uuid4().hex}:"}}
        async with owning(folder, "redis", storage={"backend": "redis", **section}, **sections) as kit:
            yield kit, in_redis(server)
    elif kind == "firestore":
        address = services.get(firestore.emulator).address
        prefix = f"{uuid4().hex}-"
        section = {"firestore": {"project": "leflux", "collection_prefix": prefix}}
        with firestore.named(address):
            async with owning(folder, "firestore", storage={"backend": "firestore", **section}, **sections) as kit:
                yield kit, in_firestore(address, prefix)
    else:
        log = {"message_log": {"backend": "sqlite", "sqlite": {"path": str(folder / "log.db")}}}
        async with owning(folder, "sqlite", **(log if kind == "split" else {}), **sections) as kit:
            yield kit, in_files(folder)
