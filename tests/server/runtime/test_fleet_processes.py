"""`server.processes: 2`: one port, several workers, and a supervisor that starts, restarts and ends them."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Services
from tests.server.conftest import Visitor, settings_tree
from tests.server.fleet import configure, in_redis, serving
from tests.services import free_port
from tests.services.redis import RedisServer, redis
from tests.services.server import ROOT, ServerProcess
from tests.services.wait import until


@pytest.fixture
def store(services: Services) -> RedisServer:
    found: RedisServer = services.get(redis)
    return found


def children(pid: int) -> set[int]:
    """The processes that `pid` has started and that still run."""
    try:
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except FileNotFoundError:
        return set()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@asynccontextmanager
async def supervised(folder: Path, store: RedisServer, **sections: Any) -> AsyncIterator[tuple[ServerProcess, Visitor]]:
    """Two workers behind one port; none of them outlives the test."""
    server = configure(folder, in_redis(store.url), bus=store.url, **sections)
    tree = yaml.safe_load(server.config.read_text())
    tree["server"]["processes"] = 2
    server.config.write_text(yaml.safe_dump(tree))
    workers: set[int] = set()
    try:
        async with serving(server) as visitor:
            await until(lambda: len(children(server.pid)) == 2, "two workers run")
            workers = children(server.pid)
            yield server, visitor
    finally:
        for worker in filter(is_alive, workers):
            os.kill(worker, signal.SIGKILL)


async def both_ready(server: ServerProcess) -> None:
    """Each worker listens: the log names none, so the kernel is asked whose sockets the port has."""

    def listening() -> bool:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(f":{server.port:04X}") and row[3] == "0A" for row in rows) == 2

    await until(listening, "both workers listen")


async def test_whichever_worker_a_page_reaches_it_is_one_conversation(tmp_path: Path, store: RedisServer) -> None:
    async with supervised(tmp_path, store) as (server, visitor):
        await both_ready(server)
        session_id = await visitor.init()
        sockets = []
        for number in range(10):
            socket = await visitor.socket(session_id)
            assert (await socket.wait("session_joined"))["epoch"] == number + 1
            assert (await socket.say(session_id, f"from page {number}"))["seq"] == 2 * number + 1
            await socket.wait("message_done")
            sockets.append(socket)
        for older in sockets[:-1]:
            await older.wait("session_taken_over")
            assert (await older.say(session_id, "too late"))["error"] == "not_owner"
        texts = [message["text"] for message in await visitor.messages(session_id)]
        assert texts == [text for n in range(10) for text in (f"from page {n}", f"echo: from page {n}")]


async def test_a_killed_worker_is_replaced_and_the_conversation_goes_on(tmp_path: Path, store: RedisServer) -> None:
    async with supervised(tmp_path, store) as (server, visitor):
        session_id = await visitor.init()
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        assert (await socket.say(session_id, "before"))["ok"]
        await socket.wait("message_done")
        before = children(server.pid)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(children(server.pid) - {victim}) == 2, "another worker runs in its place")
        await both_ready(server)
        assert (await visitor.socket(session_id)).client.connected
        again = await visitor.socket(session_id)
        await again.wait("session_joined")
        assert (await again.say(session_id, "after"))["seq"] == 3
        await again.wait("message_done")
        for worker in children(server.pid) - before:
            os.kill(worker, signal.SIGTERM)


async def test_sigterm_drains_every_worker(tmp_path: Path, store: RedisServer) -> None:
    slow = {"kind": "echo", "echo": {"delay": "100ms"}}
    async with supervised(tmp_path, store, agent=slow) as (server, visitor):
        workers = children(server.pid)
        session_id = await visitor.init()
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        assert (await socket.say(session_id, "one two three four five six"))["ok"]
        await socket.wait("message_chunk")
        server.signal(signal.SIGTERM)
        assert (await socket.wait("message_done"))["message"]["text"] == "echo: one two three four five six"
        assert await server.stopped() == 0
        assert not any(map(is_alive, workers))


async def test_a_killed_supervisor_leaves_no_worker(tmp_path: Path, store: RedisServer) -> None:
    async with supervised(tmp_path, store) as (server, _):
        workers = children(server.pid)
        await server.kill()
        await until(lambda: not any(map(is_alive, workers)), "the workers have ended by themselves")


async def run(config: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "run.py", "--config", str(config), *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said.decode()


def written(folder: Path, **sections: Any) -> Path:
    file = folder / "refused.yaml"
    file.write_text(yaml.safe_dump(settings_tree(folder, **sections)))
    return file


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize("backend", ["memory", "sqlite"])
async def test_several_processes_over_an_embedded_store_are_refused(tmp_path: Path, backend: str, command: str) -> None:
    server = {"processes": 2}
    config = written(tmp_path, server=server, storage={"backend": backend}, bus="redis://127.0.0.1:6379/0")
    code, said = await run(config, command)
    assert code == 2
    choice = "choose redis, postgres or firestore - at `$.server.processes`"
    expected = f"several processes cannot share {backend}; {choice}"
    assert said.startswith(f"configuration error: {config}, line ")
    assert said.endswith(f": {expected}\n")


async def test_several_processes_with_an_embedded_message_log_are_refused(tmp_path: Path) -> None:
    log = {"backend": "sqlite"}
    sections: dict[str, Any] = {"server": {"processes": 2}, "storage": {"backend": "redis"}, "message_log": log}
    code, said = await run(written(tmp_path, **sections, bus="redis://127.0.0.1:6379/0"))
    assert code == 2
    assert "several processes cannot share sqlite" in said


async def test_several_processes_without_a_bus_are_refused(tmp_path: Path) -> None:
    code, said = await run(written(tmp_path, server={"processes": 2}, storage={"backend": "redis"}))
    assert code == 2
    assert "several processes need a bus" in said


async def test_a_bus_that_is_no_redis_is_refused(tmp_path: Path) -> None:
    code, said = await run(written(tmp_path, bus="kafka://127.0.0.1:9092"))
    assert code == 2
    assert "at `$.bus`" in said


@pytest.mark.parametrize("processes", [1, 2])
async def test_a_store_that_can_never_work_is_one_sentence(tmp_path: Path, store: RedisServer, processes: int) -> None:
    url = f"redis://nobody:wrong@127.0.0.1:{store.port}/0"
    server = {"port": free_port(), "processes": processes}
    config = written(tmp_path, server=server, storage={"backend": "redis", "redis": {"url": url}}, bus=store.url)
    code, said = await run(config)
    assert code == 3
    assert said.startswith("store error: storage.redis.url: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
async def test_a_busy_port_is_one_sentence(tmp_path: Path, store: RedisServer, processes: int, shared: bool) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = {"port": port, "processes": processes}
        code, said = await run(written(tmp_path, server=server, storage=in_redis(store.url), bus=store.url))
    assert code == 1
    assert said.startswith(f"cannot listen on 127.0.0.1:{port}: ")
    assert said.count("\n") == 1
