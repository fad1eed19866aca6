"""The registry of what the contract suite runs on: one entry for each backend.

A test never asks which backend it has. What differs is a capability of the entry: `durable` (what was
acknowledged is there after the store was opened again) and `shared` (several openings, as of several
processes, may work on the same data at one time).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backends import StoreSettings
from backends.base import Storage
from backends.firestore import FirestoreSettings
from backends.firestore.store import FirestoreStorage
from backends.postgres import PostgresSettings
from backends.redis import RedisSettings
from backends.split import SplitStorage
from backends.sqlite import SqliteSettings
from leflux.contract.harness import DEADLINE, Harness, StoreEntry, StorePlace, from_settings
from tests.contract.example_store import SnapshotStorage
from tests.contract.harnesses import PostgresHarness, RedisHarness
from tests.services import firestore
from tests.services.mockfirestore import MockAsyncClient, MockService
from tests.services.postgres import postgres
from tests.services.redis import redis, redis_cluster

Place = StorePlace


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


BACKENDS: dict[str, StoreEntry] = {
    "memory": StoreEntry(from_settings(_memory), durable=False, shared=False, settings=_memory),
    "sqlite": StoreEntry(from_settings(_sqlite), settings=_sqlite),
    "redis": StoreEntry(from_settings(_redis), service=redis, settings=_redis, machines=True, faults=RedisHarness),
    "redis-cluster": StoreEntry(from_settings(_redis), service=redis_cluster),
    "postgres": StoreEntry(
        from_settings(_postgres), service=postgres, settings=_postgres, machines=True, faults=PostgresHarness
    ),
    "firestore": StoreEntry(
        _firestore, service=firestore.emulator, settings=_firestore_settings, environment=_firestore_environment
    ),
    "mockfirestore": StoreEntry(_mockfirestore),
    "example": StoreEntry(_snapshot, shared=False, flat=False),
}
