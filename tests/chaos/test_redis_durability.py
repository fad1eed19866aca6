"""A Redis that may lose what it acknowledged: what `doctor`, `/ready` and the log of the start say of it."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from backends import StoreSettings, open_storage
from backends.errors import StoreUnavailable
from backends.redis import RedisSettings
from backends.redis.durability import diagnose, losses
from tests.chaos.redis_kit import PREFIX, insist, opened
from tests.contract.kit import make_draft, started, texts
from tests.services import free_port
from tests.services.config import write_config
from tests.services.redis import RedisServer, redis
from tests.services.server import ROOT, ServerProcess
from tests.services.wait import until


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, []),
        ({"maxmemory-policy": "allkeys-lru"}, ["maxmemory-policy is allkeys-lru"]),
        ({"maxmemory-policy": "volatile-ttl"}, ["maxmemory-policy is volatile-ttl"]),
        ({"appendonly": "no"}, ["there is no append-only file"]),
        ({"maxmemory-policy": "allkeys-lfu", "appendonly": "no"}, ["allkeys-lfu", "append-only"]),
    ],
)
async def test_what_may_be_lost_is_told(settings: dict[str, str], expected: list[str]) -> None:
    with redis() as server:
        for name, value in settings.items():
            assert server.ask(b"CONFIG", b"SET", name.encode(), value.encode()) == b"+OK"
        said = await diagnose(RedisSettings(server.url), 4.0)
    assert len(said) == len(expected)
    assert all(part in line for part, line in zip(expected, said, strict=True))


MASTER = "role:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n"


@pytest.mark.parametrize(
    ("info", "wait_replicas", "expected"),
    [
        ("maxmemory:1000\r\nused_memory:950\r\n", 0, ["95 % of maxmemory is used"]),
        ("maxmemory:1000\r\nused_memory:800\r\n", 0, []),
        ("aof_last_write_status:err\r\n", 0, ["could not write to its disk"]),
        ("slave0:ip=10.0.0.2,port=6379,state=online,offset=7,lag=1\r\n", 1, []),
        ("slave0:ip=10.0.0.2,port=6379,state=online,offset=7,lag=9\r\n", 0, ["replica 10.0.0.2:6379 is 9 s behind"]),
        ("", 1, ["0 of wait_replicas: 1 replicas are there"]),
    ],
)
def test_what_info_tells_of_memory_disk_and_replicas(info: str, wait_replicas: int, expected: list[str]) -> None:
    said = losses(MASTER + info, wait_replicas)
    assert len(said) == len(expected)
    assert all(part in line for part, line in zip(expected, said, strict=True))


async def test_a_message_is_acknowledged_once_the_replicas_have_it(tmp_path: Path) -> None:
    with redis() as master, closing(RedisServer(tmp_path)) as replica:
        replica.start()
        assert replica.ask(b"REPLICAOF", b"127.0.0.1", str(master.port).encode()) == b"+OK"
        await until(lambda: replica.info()["master_link_status"] == "up", "the replica follows")
        options = RedisSettings(master.url, PREFIX, wait_replicas=1)
        storage = await open_storage(StoreSettings("redis", options, deadline=4.0))
        try:
            ref = await started(storage)
            first = await storage.sessions.append(ref, make_draft("On both"))
            assert first.seq == 1
            replica.freeze()
            with pytest.raises(StoreUnavailable, match="not on 1 replicas"):
                await storage.sessions.append(ref, make_draft("On one", "again"))
            replica.thaw()
            again = await insist(storage, ref, make_draft("On one", "again"))
            assert (again.seq, again.created) == (2, False)
        finally:
            await storage.close()
        assert master.ask(b"SHUTDOWN", b"NOSAVE") is None
        assert replica.ask(b"REPLICAOF", b"NO", b"ONE") == b"+OK"
        async with opened(replica.url) as after:
            assert await texts(after, ref) == ["On both", "On one"]


async def test_a_server_that_forbids_the_question_is_opened() -> None:
    with redis() as server:
        assert server.ask(b"ACL", b"SETUSER", b"default", b"-info") == b"+OK"
        async with opened(server.url) as storage:
            await storage.ping()
        assert await diagnose(RedisSettings(server.url), 4.0) == []


def doctor(config: Path) -> str:
    """What it prints when something is wrong."""
    command = [sys.executable, "run.py", "--config", str(config), "doctor"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    return told.stdout


async def ready(http: aiohttp.ClientSession) -> int:
    async with http.get("/ready") as answer:
        await answer.read()
        return answer.status


async def test_a_redis_with_full_memory_makes_the_server_unready_and_a_message_an_error(tmp_path: Path) -> None:
    with redis() as store:
        port = free_port()
        config = write_config(tmp_path, StoreSettings("redis", RedisSettings(store.url)), port)
        async with ServerProcess(config, port) as server, aiohttp.ClientSession(server.base) as http:
            assert await ready(http) == 200
            assert store.ask(b"CONFIG", b"SET", b"maxmemory", b"1") == b"+OK"

            async def status(wanted: int) -> bool:
                return await ready(http) == wanted

            await until(lambda: status(503), "a server that cannot store is not ready")
            assert store.ask(b"CONFIG", b"SET", b"maxmemory", b"0") == b"+OK"
            await until(lambda: status(200), "it is ready again")


async def test_it_is_said_once_at_start_by_ready_and_by_doctor(tmp_path: Path) -> None:
    with redis() as store:
        assert store.ask(b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru") == b"+OK"
        port = free_port()
        config = write_config(tmp_path, StoreSettings("redis", RedisSettings(store.url)), port)
        async with ServerProcess(config, port) as server, aiohttp.ClientSession(server.base) as http:

            async def warnings() -> list[str]:
                async with http.get("/ready") as answer:
                    assert answer.status == 200
                    found: list[str] = (await answer.json()).get("warnings", [])
                    return found

            (said,) = await until(warnings, "the stores are looked at")
            assert said.startswith("storage: maxmemory-policy is allkeys-lru")
            lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
            assert [line["problem"] for line in lines if line["level"] == "warning"] == [said]
        assert f"PROBLEM  {said}" in doctor(config)
