"""The registry of what the contract suite runs on: one entry for each backend.

A test never asks which backend it has. What differs is a capability of the entry: `durable` (what was
acknowledged is there after the store was opened again) and `shared` (several openings, as of several
processes, may work on the same data at one time).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends import StoreSettings, open_store
from backends.base import Storage
from backends.firestore import FirestoreSettings
from backends.firestore.store import FirestoreStorage
from backends.postgres import PostgresSettings
from backends.redis import RedisSettings
from backends.split import SplitStorage
from backends.sqlite import SqliteSettings
from tests.contract.example_store import SnapshotStorage
from tests.services import firestore
from tests.services.mockfirestore import MockAsyncClient, MockService
from tests.services.postgres import postgres
from tests.services.redis import redis, redis_cluster

DEADLINE = 30.0
"""Seconds a call may take here: a hundred callers on a slow, shared machine are no outage."""


class Place(Struct, frozen=True):
    """Where one test keeps its data: an empty folder, a `tag` no other test has, what `service` started."""

    folder: Path
    tag: str
    service: Any


class Harness(Struct, frozen=True):
    """Opens storages on one test's data; opened again, they find it as it was left.

    `open`: the log shares the store. `open_split`: the log is in another store.
    """

    open: Callable[[], Awaitable[Storage]]
    open_split: Callable[[], Awaitable[Storage]]


def _no_environment(place: Place) -> dict[str, str]:
    return {}


class Backend(Struct, frozen=True):
    """An entry. `service` starts what the backend needs, once for the whole run, when its first test wants it.

    `settings` and `environment` are how a server process is told to use it; without them it is not tested that way.
    """

    harness: Callable[[Place], AbstractAsyncContextManager[Harness]]
    durable: bool = True
    shared: bool = True
    service: Callable[[], AbstractContextManager[Any]] | None = None
    settings: Callable[[Place, str], StoreSettings] | None = None
    environment: Callable[[Place], dict[str, str]] = _no_environment


def from_settings(
    choose: Callable[[Place, str], StoreSettings],
) -> Callable[[Place], AbstractAsyncContextManager[Harness]]:
    """A harness for what `open_storage` knows. `choose(place, part)` gives each `part` data of its own."""

    @asynccontextmanager
    async def harness(place: Place) -> AsyncIterator[Harness]:
        state, log = choose(place, "state"), choose(place, "log")

        async def open_() -> Storage:
            return await open_store(state, log_shares_store=True)

        async def open_split() -> Storage:
            return SplitStorage(
                await open_store(state, log_shares_store=False), await open_store(log, log_shares_store=True)
            )

        yield Harness(open_, open_split)

    return harness


def _memory(place: Place, part: str) -> StoreSettings:
    return StoreSettings(backend="memory", deadline=DEADLINE)


def _sqlite(place: Place, part: str) -> StoreSettings:
    path = place.folder / f"{part}.db"
    return StoreSettings(backend="sqlite", options=SqliteSettings(path=str(path)), deadline=DEADLINE)


@asynccontextmanager
async def _snapshot(place: Place) -> AsyncIterator[Harness]:
    async def open_() -> Storage:
        return SnapshotStorage(place.folder / "state", log_shares_store=True)

    async def open_split() -> Storage:
        state = SnapshotStorage(place.folder / "state", log_shares_store=False)
        return SplitStorage(state, SnapshotStorage(place.folder / "log", log_shares_store=True))

    yield Harness(open_, open_split)


def _redis(place: Place, part: str) -> StoreSettings:
    settings = RedisSettings(url=place.service.url, prefix=f"{place.tag}:{part}:")
    return StoreSettings(backend="redis", options=settings, deadline=DEADLINE)


def _postgres(place: Place, part: str) -> StoreSettings:
    settings = PostgresSettings(url=place.service.url, schema=f"t_{place.tag}_{part}")
    return StoreSettings(backend="postgres", options=settings, deadline=DEADLINE)


def _firestore_settings(place: Place, part: str) -> StoreSettings:
    section = FirestoreSettings(collection_prefix=f"{place.tag}-{part}-")
    return StoreSettings(backend="firestore", options=section, deadline=DEADLINE)


def _firestore_environment(place: Place) -> dict[str, str]:
    return {firestore.ENVIRONMENT: place.service.address}


@asynccontextmanager
async def _firestore(place: Place) -> AsyncIterator[Harness]:
    with firestore.named(place.service.address):
        async with from_settings(_firestore_settings)(place) as harness:
            yield harness


@asynccontextmanager
async def _mockfirestore(place: Place) -> AsyncIterator[Harness]:
    state, log = MockService(), MockService()

    async def open_() -> Storage:
        return FirestoreStorage(MockAsyncClient(state), FirestoreSettings(), DEADLINE, log_shares_store=True)

    async def open_split() -> Storage:
        split = FirestoreStorage(MockAsyncClient(state), FirestoreSettings(), DEADLINE, log_shares_store=False)
        return SplitStorage(
            split, FirestoreStorage(MockAsyncClient(log), FirestoreSettings(), DEADLINE, log_shares_store=True)
        )

    yield Harness(open_, open_split)


BACKENDS: dict[str, Backend] = {
    "memory": Backend(from_settings(_memory), durable=False, shared=False, settings=_memory),
    "sqlite": Backend(from_settings(_sqlite), settings=_sqlite),
    "redis": Backend(from_settings(_redis), service=redis, settings=_redis),
    "redis-cluster": Backend(from_settings(_redis), service=redis_cluster),
    "postgres": Backend(from_settings(_postgres), service=postgres, settings=_postgres),
    "firestore": Backend(
        _firestore, service=firestore.emulator, settings=_firestore_settings, environment=_firestore_environment
    ),
    "mockfirestore": Backend(_mockfirestore),
    "example": Backend(_snapshot, shared=False),
}
