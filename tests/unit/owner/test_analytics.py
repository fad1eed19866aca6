"""Counts of several processes over one store: none is lost, none is counted twice."""

import asyncio
from bisect import bisect_left
from typing import Any

import pytest

from backends.errors import StoreUnavailable
from backends.memory.log import MemorySettingsStore
from backends.records import Versioned
from leflux.owner.analytics import Analytics
from leflux.owner.day_counts import BUCKETS_MS, SiteDayCounts, percentile

DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemorySettingsStore:
    return MemorySettingsStore()


async def all_days(analytics: Analytics) -> dict[str, SiteDayCounts]:
    return await analytics.days("shop", "0000-00-00", "9999-99-99")


async def test_what_two_processes_counted_is_added_up_and_survives_both(
    store: MemorySettingsStore, clock: Clock
) -> None:
    for count in (2, 3):
        process = Analytics(store, clock)
        for _ in range(count):
            process.restored("shop", "full", 4)
            process.acted("shop", "done")
            process.said("shop", created=True)
        process.said("shop", created=False)
        process.missed("shop")
        process.restored("other", "new")
        await process.stop()
    (day,) = (await all_days(Analytics(store, clock))).values()
    assert (day.restores.full, day.restores.new, day.tasks.done, day.duplicates, day.gaps) == (5, 0, 5, 2, 2)
    assert day.hours[12] == sum(day.hours) == 5
    assert sum(day.restore_ms) == 5


async def test_days_that_are_over_become_one_document_each(store: MemorySettingsStore, clock: Clock) -> None:
    for _ in range(3):
        for _ in range(4):
            process = Analytics(store, clock)
            process.restored("shop", "full")
            await process.flush()
        clock.now += DAY
    before = await all_days(process)
    await asyncio.gather(*(Analytics(store, clock).fold() for _ in range(3)))
    await process.fold()
    assert await all_days(process) == before
    names = await store.names("counts/")
    # The day before today may still be written to by a process whose clock is behind.
    assert [name.count("/") for name in names] == [2, 2, *[3] * 4]


async def test_a_fold_that_died_half_way_counts_nothing_twice(store: MemorySettingsStore, clock: Clock) -> None:
    for _ in range(2):
        process = Analytics(store, clock)
        process.restored("shop", "full")
        await process.flush()
    clock.now += 3 * DAY

    class Dying(MemorySettingsStore):
        async def remove(self, name: str) -> bool:
            raise StoreUnavailable("away")

    dying = Dying()
    dying.__dict__ = store.__dict__
    with pytest.raises(StoreUnavailable):
        await Analytics(dying, clock).fold()
    (day,) = (await all_days(Analytics(store, clock))).values()
    assert day.restores.full == 2
    await Analytics(store, clock).fold()
    (day,) = (await all_days(Analytics(store, clock))).values()
    assert day.restores.full == 2
    assert len(await store.names("counts/")) == 1


class LosesReplies(MemorySettingsStore):
    """Stores, and then says that it did not."""

    def __init__(self) -> None:
        super().__init__()
        self.lose = 1

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        stored = await super().put(name, value, expect)
        if self.lose:
            self.lose -= 1
            raise StoreUnavailable("lost")
        return stored


async def test_a_write_whose_reply_was_lost_is_not_counted_twice(clock: Clock) -> None:
    process = Analytics(LosesReplies(), clock)
    process.restored("shop", "full")
    with pytest.raises(StoreUnavailable):
        await process.flush()
    process.restored("shop", "full")
    (day,) = (await all_days(process)).values()
    assert day.restores.full == 2


async def test_memory_does_not_grow_with_the_days(store: MemorySettingsStore, clock: Clock) -> None:
    process: Any = Analytics(store, clock)
    for _ in range(10):
        process.restored("shop", "full")
        await process.flush()
        clock.now += DAY
    await process.flush()
    assert len(process._counted) <= 1


@pytest.mark.parametrize(("times", "share", "low", "high"), [([1] * 99 + [900], 0.5, 0, 1), ([1, 1, 40], 0.99, 30, 50)])
def test_a_percentile_lies_in_the_bucket_of_the_times(
    times: list[float], share: float, low: float, high: float
) -> None:
    tally = SiteDayCounts()
    for time in times:
        tally.restore_ms[bisect_left(BUCKETS_MS, time)] += 1
    found = percentile(tally.restore_ms, share)
    assert found is not None
    assert low <= found <= high


def test_times_beyond_the_last_bucket_are_counted_and_none_gives_none() -> None:
    tally = SiteDayCounts()
    assert percentile(tally.restore_ms, 0.5) is None
    tally.restore_ms[-1] += 1
    assert percentile(tally.restore_ms, 0.99) == BUCKETS_MS[-1]
