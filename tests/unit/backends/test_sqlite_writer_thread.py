"""The lane: group commit, a failing job undone alone, a full disk, a closed store."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from backends.errors import SessionNotFound, StoreUnavailable
from backends.sqlite.schema import connect
from backends.sqlite.writer_thread import WriterThread


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    connection = connect(tmp_path / "lane.db")
    connection.execute("CREATE TABLE items (item TEXT PRIMARY KEY)")
    return connection


@pytest.fixture
async def lane(connection: sqlite3.Connection) -> AsyncIterator[WriterThread]:
    lane = WriterThread("test", connection, "BEGIN IMMEDIATE", 30.0)
    yield lane
    await asyncio.to_thread(lane.close)


def add(db: sqlite3.Connection, item: str) -> None:
    db.execute("INSERT INTO items (item) VALUES (?)", (item,))


def items(db: sqlite3.Connection) -> list[str]:
    return [item for (item,) in db.execute("SELECT item FROM items ORDER BY item")]


async def held(lane: WriterThread) -> tuple[threading.Event, asyncio.Task[None]]:
    """Keep the lane busy until the event is set, so that what follows becomes one batch."""
    started, gate = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def wait(_: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        gate.wait(30)

    task = asyncio.create_task(lane.run(wait))
    await started.wait()
    return gate, task


async def test_what_queued_up_meanwhile_is_one_transaction(lane: WriterThread, connection: sqlite3.Connection) -> None:
    commits: list[str] = []
    connection.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
    gate, busy = await held(lane)
    jobs = [asyncio.create_task(lane.run(partial(add, item=f"{n:03}"))) for n in range(100)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(busy, *jobs)
    connection.set_trace_callback(None)
    assert len(commits) == 2
    assert len(await lane.run(items)) == 100


async def test_a_failing_job_is_undone_alone(lane: WriterThread) -> None:
    def add_and_fail(db: sqlite3.Connection) -> None:
        add(db, "half-way")
        raise SessionNotFound("x")

    def add_and_stumble(db: sqlite3.Connection) -> None:
        add(db, "stumbled")
        raise KeyError("a fault of ours")

    gate, busy = await held(lane)
    jobs = [
        asyncio.create_task(lane.run(job))
        for job in (partial(add, item="a"), add_and_fail, add_and_stumble, partial(add, item="b"))
    ]
    await asyncio.sleep(0)
    gate.set()
    first, failed, stumbled, last = await asyncio.gather(*jobs, return_exceptions=True)
    await busy
    assert (first, last) == (None, None)
    assert type(failed) is SessionNotFound
    assert type(stumbled) is StoreUnavailable
    assert await lane.run(items) == ["a", "b"]


async def test_a_broken_constraint_is_no_driver_error_outside(lane: WriterThread) -> None:
    await lane.run(lambda db: add(db, "a"))
    with pytest.raises(StoreUnavailable):
        await lane.run(lambda db: add(db, "a"))
    await lane.run(lambda db: add(db, "b"))
    assert await lane.run(items) == ["a", "b"]


async def test_a_full_disk_refuses_and_recovers(lane: WriterThread) -> None:
    await lane.run(lambda db: db.execute("PRAGMA max_page_count = 8").fetchall())
    with pytest.raises(StoreUnavailable, match="full"):
        await lane.run(lambda db: add(db, "x" * 100_000))
    assert await lane.run(items) == []
    await lane.run(lambda db: db.execute("PRAGMA max_page_count = 10000").fetchall())
    await lane.run(lambda db: add(db, "x" * 100_000))
    assert len(await lane.run(items)) == 1


async def test_a_step_after_the_commit_that_fails_makes_the_outcome_unknown_and_kills_nobody(
    lane: WriterThread,
) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise ValueError("a fault of ours")

    with pytest.raises(StoreUnavailable):
        await lane.run(lambda db: add(db, "a"), then=fail)
    assert await lane.run(items) == ["a"]


async def test_a_lane_that_does_not_answer_in_time_is_unavailable(connection: sqlite3.Connection) -> None:
    lane = WriterThread("test", connection, "BEGIN IMMEDIATE", 0.05)
    gate = threading.Event()
    with pytest.raises(StoreUnavailable, match="within"):
        await lane.run(lambda _: gate.wait(30))
    gate.set()
    await asyncio.to_thread(lane.close)


async def test_a_locked_file_refuses_the_batch_and_the_lane_lives(tmp_path: Path, lane: WriterThread) -> None:
    await lane.run(lambda db: add(db, "a"))
    other = connect(tmp_path / "lane.db")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await lane.run(lambda db: add(db, "b"))
    other.execute("ROLLBACK")
    other.close()
    await lane.run(lambda db: add(db, "c"))
    assert await lane.run(items) == ["a", "c"]


async def test_a_closed_lane_refuses_and_closes_twice(connection: sqlite3.Connection) -> None:
    lane = WriterThread("test", connection, "BEGIN IMMEDIATE", 30.0)
    gate, busy = await held(lane)
    last = asyncio.create_task(lane.run(lambda db: add(db, "last")))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.to_thread(lane.close)
    await asyncio.gather(busy, last)
    lane.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await lane.run(items)
