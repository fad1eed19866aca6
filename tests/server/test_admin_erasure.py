"""A purge wins every race: nothing of what the visitor said is left in the bytes of any store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.cloud.firestore import Client

from tests.conftest import Services
from tests.server.erasing import Round, Search
from tests.server.owner import owning
from tests.services import firestore
from tests.services.redis import RedisServer, redis

ROUNDS, SOAK_ROUNDS = 20, 200


def in_files(folder: Path) -> Search:
    """The bytes of every file, write-ahead logs included."""

    def look(word: str) -> list[str]:
        files = [file for file in folder.rglob("*") if file.is_file()]
        return [file.name for file in files if word.encode() in file.read_bytes()]

    return lambda word: asyncio.to_thread(look, word)


def in_redis(server: RedisServer) -> Search:
    """Every key, by name and as dumped, uncompressed."""
    server.cli("CONFIG", "SET", "rdbcompression", "no")
    return lambda word: asyncio.to_thread(server.keys_with, word.encode())


def in_firestore(address: str) -> Search:
    """Every document below every collection."""

    def look(word: str) -> list[str]:
        with firestore.named(address):
            client = Client(project="leflux")
        try:
            return [path for path, text in documents(client) if word in path + text]
        finally:
            client._firestore_api.transport.close()

    return lambda word: asyncio.to_thread(look, word)


def documents(parent: Any) -> list[tuple[str, str]]:
    """Path and content of every document below a client or a document, also where only its children exist."""
    found = []
    for collection in parent.collections():
        for reference in collection.list_documents():
            found.append((reference.path, repr(reference.get().to_dict())))
            found += documents(reference)
    return found


@asynccontextmanager
async def erasable(kind: str, folder: Path, services: Services) -> AsyncIterator[tuple[Any, Search]]:
    """A server, and how to look into its stores. `split`: the log is a store of its own, behind an outbox."""
    if kind == "redis":
        server: RedisServer = services.get(redis)
        section = {"redis": {"url": server.url, "prefix": f"{uuid4().hex}:"}}
        async with owning(folder, "redis", storage={"backend": "redis", **section}) as kit:
            yield kit, in_redis(server)
    elif kind == "firestore":
        address = services.get(firestore.emulator).address
        section = {"firestore": {"project": "leflux", "collection_prefix": f"{uuid4().hex}-"}}
        with firestore.named(address):
            async with owning(folder, "firestore", storage={"backend": "firestore", **section}) as kit:
                yield kit, in_firestore(address)
    else:
        log = {"message_log": {"backend": "sqlite", "sqlite": {"path": str(folder / "log.db")}}}
        async with owning(folder, "sqlite", **(log if kind == "split" else {})) as kit:
            yield kit, in_files(folder)


async def race(kind: str, folder: Path, services: Services, rounds: int, first: int = 0) -> None:
    async with erasable(kind, folder, services) as (kit, search):
        owner = await kit.owner()
        for seed in range(first, first + rounds):
            await Round(await kit.visitor(), owner, search, seed).run()


@pytest.mark.parametrize("kind", ["sqlite", "split", "redis", "firestore"])
async def test_nothing_is_left_of_a_conversation_that_is_erased_while_it_goes_on(
    tmp_path: Path, services: Services, kind: str
) -> None:
    await race(kind, tmp_path, services, ROUNDS // 4)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "split", "redis", "firestore"])
async def test_nothing_is_left_after_many_rounds(tmp_path: Path, services: Services, kind: str) -> None:
    await race(kind, tmp_path, services, SOAK_ROUNDS, first=1_000)
