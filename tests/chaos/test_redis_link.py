"""What the link to Redis promises: one round trip, few pipelines a turn, bounded, no connection left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib.metadata import version

import pytest
from redis.asyncio import Redis

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import SessionRef
from backends.redis import RedisSettings, node_pipeline
from backends.redis.connection import PendingCall, RedisConnection
from backends.redis.outbox import _runs
from tests.contract.kit import outcomes, say, started, texts
from tests.services.redis import RedisServer, redis
from tests.services.wait import until


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis() as running:
        yield running


@pytest.fixture
async def storage(server: RedisServer) -> AsyncIterator[Storage]:
    server.ask(b"FLUSHALL")
    opened = await open_storage(StoreSettings(backend="redis", options=RedisSettings(url=server.url), deadline=30.0))
    yield opened
    await opened.close()


def reads(server: RedisServer) -> int:
    """How often the server has read from a socket."""
    return int(server.info()["total_reads_processed"])


async def test_s6_a_restore_and_a_claim_cost_one_round_trip_each(server: RedisServer, storage: Storage) -> None:
    ref = await started(storage)
    for i in range(20):
        await say(storage, ref, f"{i}", logged=False)
    # Once for each script, so that its source is there.
    await storage.sessions.restore(ref, 0, 50)
    await storage.sessions.claim(ref, "socket", 0, 50)
    asking = -reads(server) + reads(server)
    before = reads(server)
    await storage.sessions.restore(ref, 0, 50)
    await storage.sessions.claim(ref, "socket", 0, 50)
    assert reads(server) - before - asking == 2


async def every_connection(server: RedisServer, storage: Storage, refs: Sequence[SessionRef]) -> None:
    """Ask so much at once that all connections are opened: what that costs is not to be counted."""

    async def are_open() -> bool:
        await asyncio.gather(*(storage.sessions.load(ref) for ref in [*refs] * 5))
        # One more is the one that asks.
        return int(server.info()["connected_clients"]) == node_pipeline.CONNECTIONS + 1

    await until(are_open, "the connections are open")


async def test_calls_made_together_travel_in_few_pipelines(
    server: RedisServer, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = [await started(storage) for _ in range(10)]
    await every_connection(server, storage, refs)
    sent: list[int] = []
    send = RedisConnection.send

    def count(connection: RedisConnection, calls: list[PendingCall]) -> None:
        sent.append(len(calls))
        send(connection, calls)

    monkeypatch.setattr(RedisConnection, "send", count)
    await asyncio.gather(*(storage.sessions.load(ref) for ref in refs))
    assert sent == [node_pipeline.EARLY, len(refs) - node_pipeline.EARLY]


async def test_thousands_of_calls_at_once_share_a_few_connections(server: RedisServer, storage: Storage) -> None:
    ref = await started(storage)
    idle = int(server.info()["connected_clients"])
    results = await outcomes([say(storage, ref, f"{i}", f"id-{i}") for i in range(2000)])
    assert not [result for result in results if isinstance(result, BaseException)]
    assert sorted(result.seq for result in results) == list(range(1, 2001))
    assert int(server.info()["connected_clients"]) <= idle + node_pipeline.CONNECTIONS


async def test_more_calls_than_may_wait_are_refused_at_once(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_pipeline, "MAX_WAITING", 50)
    ref = await started(storage)
    results = await outcomes([storage.sessions.load(ref) for _ in range(80)])
    assert [type(result) for result in results].count(StoreUnavailable) == 30
    assert (await storage.sessions.load(ref)).seq == 0


async def test_one_failing_call_leaves_its_neighbours_in_the_pipeline_alone(
    server: RedisServer, storage: Storage
) -> None:
    refs = [await started(storage) for _ in range(3)]
    gone = await started(storage)
    await storage.sessions.delete(gone, 60.0)
    results = await outcomes([say(storage, refs[0]), say(storage, gone), say(storage, refs[1]), say(storage, refs[2])])
    assert [isinstance(result, BaseException) for result in results] == [False, True, False, False]


async def test_a_call_that_was_given_up_before_it_was_sent_is_never_sent(server: RedisServer, storage: Storage) -> None:
    ref = await started(storage)
    server.freeze()
    try:
        # One batch for each connection, so that what comes next has to wait.
        busy = []
        for _ in range(node_pipeline.CONNECTIONS):
            busy.append(asyncio.create_task(storage.sessions.load(ref)))
            await turns()
        call = asyncio.create_task(say(storage, ref, "never"))
        await turns()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    finally:
        server.thaw()
    await asyncio.gather(*busy)
    await say(storage, ref, "sent")
    assert await texts(storage, ref) == ["sent"]


async def turns() -> None:
    """Some turns of the event loop: enough for a call to be on its way."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_closed_storage_leaves_no_connection_and_closes_twice(server: RedisServer) -> None:
    before = int(server.info()["connected_clients"])
    storage = await open_storage(StoreSettings(backend="redis", options=RedisSettings(url=server.url), deadline=30.0))
    ref = await started(storage)
    await asyncio.gather(*(say(storage, ref, f"{i}") for i in range(20)))
    await storage.close()
    await storage.close()
    with pytest.raises(StoreUnavailable):
        await storage.sessions.load(ref)
    assert int(server.info()["connected_clients"]) == before


async def test_hints_of_one_pipeline_travel_as_one_command(server: RedisServer, storage: Storage) -> None:
    refs = [await started(storage) for _ in range(10)]
    await asyncio.gather(*(say(storage, ref, opens_turn=True, logged=False) for ref in refs))
    server.ask(b"CONFIG", b"RESETSTAT")
    await asyncio.gather(*(say(storage, ref, opens_turn=True, logged=False) for ref in refs))
    counts = dict(
        line.split(":", 1) for line in server.cli("INFO", "commandstats").decode().splitlines() if ":" in line
    )
    # One script for each message, and one for all the hints of what travels together.
    pipelines = -(-len(refs) // (node_pipeline.EARLY - 1))
    assert counts["cmdstat_evalsha"].startswith(f"calls={len(refs) + pipelines},")


async def test_a_caller_that_gives_up_takes_no_other_callers_hint_away(storage: Storage) -> None:
    given_up, patient = await started(storage), await started(storage)
    leaving = asyncio.create_task(say(storage, given_up, "left", logged=True))
    staying = asyncio.create_task(say(storage, patient, "stayed", logged=True))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert (await staying).seq == 1


async def test_the_driver_has_the_private_parts_that_are_taken_over(server: RedisServer) -> None:
    """`backends/redis/connection.py` takes over the stream; check it when this fails after an update."""
    assert version("redis") == "8.1.0"
    client = Redis.from_url(server.url)
    connection = await client.connection_pool.get_connection()
    assert isinstance(connection._writer, asyncio.StreamWriter)
    assert isinstance(connection._writer.transport.get_protocol(), asyncio.StreamReaderProtocol)
    await client.connection_pool.release(connection)
    await client.aclose()


def test_what_the_log_has_is_dropped_run_by_run() -> None:
    assert list(_runs([])) == []
    assert list(_runs([4, 1, 2, 7, 3, 9, 8])) == [(1, 4), (7, 9)]
