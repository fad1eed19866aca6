"""A process says that it lives while it answers a question that takes long, and only then (S28)."""

import asyncio
from typing import Any

import pytest

from backends.errors import StoreUnavailable
from leflux.agents import leases
from leflux.agents.leases import ALIVE, WorkerHeartbeat
from tests.services.wait import until


class Store:
    """Notes each heartbeat."""

    def __init__(self) -> None:
        self.beats: list[tuple[str, float]] = []
        self.fails = False

    async def heartbeat(self, worker: str, seconds: float) -> None:
        self.beats.append((worker, seconds))
        if self.fails:
            raise StoreUnavailable("down")

    async def lease(self, *_: Any) -> None:
        raise AssertionError("a heartbeat takes no lease")

    async def unlease(self, *_: Any) -> None:
        raise AssertionError("a heartbeat gives no lease back")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.01)


async def test_it_beats_from_the_first_long_turn_to_the_last() -> None:
    store = Store()
    beating = WorkerHeartbeat(store, "worker")
    assert store.beats == []
    beating.join()
    beating.join()
    await until(lambda: len(store.beats) >= 3, "it beats")
    beating.leave()
    count = len(store.beats)
    await until(lambda: len(store.beats) > count, "one turn is still open")
    assert set(store.beats) == {("worker", ALIVE)}
    beating.leave()
    await until(lambda: store.beats[-1] == ("worker", 0.0), "the worker leaves the list")
    beating.join()
    await until(lambda: store.beats[-1] == ("worker", ALIVE), "it beats again")
    beating.leave()
    await until(lambda: store.beats[-1] == ("worker", 0.0), "the worker leaves the list")


async def test_a_store_that_is_away_does_not_end_it() -> None:
    store = Store()
    store.fails = True
    beating = WorkerHeartbeat(store, "worker")
    beating.join()
    await until(lambda: len(store.beats) >= 3, "it goes on")
    beating.leave()
    await until(lambda: store.beats[-1] == ("worker", 0.0), "the last one is tried")


async def test_stopping_takes_the_worker_off_the_list_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 600.0)
    store = Store()
    beating = WorkerHeartbeat(store, "worker")
    await beating.stop()
    assert store.beats == []
    beating.join()
    await until(lambda: store.beats, "it beats")
    beating.leave()
    async with asyncio.timeout(30):
        await beating.stop()
    assert store.beats == [("worker", ALIVE), ("worker", 0.0)]
