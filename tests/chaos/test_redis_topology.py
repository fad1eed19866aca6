"""A cluster whose slots move and whose nodes die, a master that Sentinel replaces, and addresses that are wrong."""

import asyncio
import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from backends import StoreSettings, open_storage
from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.records import Appended, SessionRef
from backends.redis import RedisSettings
from tests.chaos.redis_kit import GENEROUS, has_each_once, insist, opened
from tests.contract.kit import make_draft, outcomes, started
from tests.services import free_port
from tests.services.redis import RedisCluster, RedisSentinel, RedisServer, redis, redis_cluster, redis_sentinel
from tests.services.wait import until


@pytest.fixture
def cluster() -> Iterator[RedisCluster]:
    with redis_cluster() as running:
        yield running


@pytest.fixture
def sentinel() -> Iterator[RedisSentinel]:
    with redis_sentinel() as running:
        yield running


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis() as running:
        yield running


async def test_slots_that_move_under_load_lose_and_double_nothing(cluster: RedisCluster) -> None:
    async with opened(cluster.url) as storage:
        refs = [await started(storage) for _ in range(30)]
        move = asyncio.create_task(asyncio.to_thread(cluster.move_slots, 2500))
        sent = 0
        while not move.done() or sent < 5:
            await asyncio.gather(*(insist(storage, ref, make_draft(f"{sent}", f"id-{sent}")) for ref in refs))
            sent += 1
        await move
        for ref in refs:
            assert await has_each_once(storage, ref, [f"{i}" for i in range(sent)])


async def test_a_node_that_dies_and_returns_keeps_what_it_acknowledged(cluster: RedisCluster) -> None:
    async with opened(cluster.url) as storage:
        refs = [await started(storage) for _ in range(12)]
        for ref in refs:
            await insist(storage, ref, make_draft("before", "id-before"))
        cluster.nodes[1].kill()
        results = await outcomes([storage.sessions.append(ref, make_draft("during", "id-during")) for ref in refs])
        assert {type(result) for result in results} <= {Appended, StoreUnavailable}
        assert StoreUnavailable in {type(result) for result in results}
        cluster.nodes[1].start()
        for ref in refs:
            await insist(storage, ref, make_draft("during", "id-during"))

        for ref in refs:
            whole = partial(has_each_once, storage, ref, ["before", "during"])
            await until(whole, "the session is whole")
    # The one that is left is who asks.
    await until(
        lambda: all(node.info()["connected_clients"] == "1" for node in cluster.nodes), "every connection is closed"
    )


def is_master(server: RedisServer) -> bool:
    try:
        return server.info()["role"] == "master"
    except subprocess.CalledProcessError:
        return False  # Sentinel ends every connection of the one that it makes the master, the one that asks as well.


async def test_a_failover_by_sentinel_is_followed(sentinel: RedisSentinel) -> None:
    async with opened(sentinel.url) as storage:
        ref = await started(storage)
        await insist(storage, ref, make_draft("before", "id-before"))
        sentinel.fail_over()
        await until(lambda: is_master(sentinel.replica), "the replica is the master")
        await insist(storage, ref, make_draft("after", "id-after"))
        assert await has_each_once(storage, ref, ["before", "after"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:6379",
        "127.0.0.1:6379",
        "redis+other://127.0.0.1:6379",
        "redis+cluster://127.0.0.1",
        "redis+sentinel://127.0.0.1:26379",
        "redis://127.0.0.1:port/0",
        "redis://127.0.0.1:6379/0?decode_responses=true",
    ],
)
async def test_an_address_that_can_never_work_is_refused(url: str) -> None:
    with pytest.raises(StoreMisconfigured, match=r"storage\.redis\.url"):
        async with opened(url):
            pass


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster"])
async def test_a_server_that_is_not_there_is_unavailable(scheme: str) -> None:
    with pytest.raises(StoreUnavailable):
        async with opened(f"{scheme}://127.0.0.1:{free_port()}"):
            pass


async def test_a_sentinel_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        async with opened(f"redis+sentinel://127.0.0.1:{free_port()}/leflux/0"):
            pass


async def test_a_server_that_does_not_answer_is_unavailable(server: RedisServer) -> None:
    server.freeze()
    try:
        with pytest.raises(StoreUnavailable):
            async with opened(server.url, 1.0):
                pass
    finally:
        server.thaw()


async def test_a_wrong_password_is_misconfigured(server: RedisServer) -> None:
    server.ask(b"CONFIG", b"SET", b"requirepass", b"right")
    place = f"127.0.0.1:{server.port}/0"
    for url in (f"redis://{place}", f"redis://:wrong@{place}"):
        with pytest.raises(StoreMisconfigured):
            async with opened(url):
                pass
    async with opened(f"redis://:right@{place}") as storage:
        await storage.ping()


async def test_a_database_that_does_not_exist_is_misconfigured(server: RedisServer) -> None:
    with pytest.raises(StoreMisconfigured):
        async with opened(f"redis://127.0.0.1:{server.port}/99"):
            pass


async def test_a_single_server_is_no_cluster_and_a_node_no_single_server(
    server: RedisServer, cluster: RedisCluster
) -> None:
    with pytest.raises(StoreMisconfigured, match="no cluster"):
        async with opened(f"redis+cluster://127.0.0.1:{server.port}"):
            pass
    with pytest.raises(StoreMisconfigured, match="part of a cluster"):
        async with opened(cluster.nodes[0].url):
            pass


async def test_a_prefix_with_braces_is_refused(server: RedisServer) -> None:
    with pytest.raises(StoreMisconfigured, match=r"storage\.redis\.prefix"):
        await open_storage(StoreSettings(backend="redis", options=RedisSettings(url=server.url, prefix="{a}")))


async def test_two_prefixes_share_a_server_without_meeting(server: RedisServer) -> None:
    ref: SessionRef | None = None
    for prefix in ("a:", "b:"):
        settings = StoreSettings(
            backend="redis", options=RedisSettings(url=server.url, prefix=prefix), deadline=GENEROUS
        )
        storage = await open_storage(settings)
        ref = await started(storage) if ref is None else ref
        assert (await storage.sessions.active()) == (1 if prefix == "a:" else 0)
        await storage.close()
