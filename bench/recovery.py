"""How long a visitor waits after `kill -9` in mid-reply until the answer goes on or begins again."""

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.table import Row, row
from tests.server.conftest import Visitor
from tests.server.fleet import configure, in_redis
from tests.services.find import firestore_jar
from tests.services.firestore import ENVIRONMENT, emulator
from tests.services.redis import redis
from tests.services.server import ServerProcess
from tests.services.wait import until

SLOW = {"kind": "echo", "echo": {"delay": "100ms"}}
WORDS = " ".join(f"word{number}" for number in range(30))
KILLED_AFTER = 15
"""Chunks: the reply is half written."""

SetUp = Callable[[Path, ExitStack], list[ServerProcess]]


async def recovery(kills: int) -> list[Row]:
    """A row for each set-up. The time counts from the moment when a process is there that can answer."""
    what = f"kill -9 in mid-reply, {kills} times"
    set_ups: dict[str, SetUp] = {"SQLite": _sqlite, "Redis, 2 processes": _redis}
    if firestore_jar() is not None:
        set_ups["Redis + Firestore"] = _with_firestore
    rows = []
    for name, set_up in set_ups.items():
        with TemporaryDirectory() as folder, ExitStack() as stores:
            servers = set_up(Path(folder), stores)
            async with AsyncExitStack() as running:
                for server in servers:
                    await running.enter_async_context(server)
                samples = [await _once(servers) for _ in range(kills)]
        rows.append(row(what, name, samples, "ms", f"worst {max(samples):,.0f} ms, to the first chunk at a socket"))
    return rows


async def _once(servers: Sequence[ServerProcess]) -> float:
    """Kill the first process while it writes; wait at the last one."""
    async with aiohttp.ClientSession() as http, AsyncExitStack() as stack:
        visitor = Visitor(servers[0].base, http, stack)
        session_id = await visitor.init()
        before = await visitor.socket(session_id)
        await before.wait("session_joined")
        await before.say(session_id, WORDS)
        await before.wait("message_chunk", KILLED_AFTER)
        [old] = {chunk["streamId"] for chunk in before.of("message_chunk")}
        await servers[0].kill()
        if len(servers) == 1:
            await servers[0].start()
        there = time.perf_counter()
        after = await Visitor(servers[-1].base, http, stack).socket(session_id, since=1)

        def goes_on() -> bool:
            streams = [stream for joined in after.of("session_joined") for stream in joined["streams"]]
            told = streams + after.of("message_chunk") + after.of("message_done")
            return any(one["streamId"] != old for one in told)

        await until(goes_on, "the answer begins again", 60)
        waited = (time.perf_counter() - there) * 1000
    if len(servers) > 1:
        await servers[0].start()
    return waited


def _sqlite(folder: Path, _: ExitStack) -> list[ServerProcess]:
    storage = {"backend": "sqlite", "sqlite": {"path": str(folder / "recovery.db")}}
    return [configure(folder, storage, agent=SLOW)]


def _redis(folder: Path, stores: ExitStack) -> list[ServerProcess]:
    store = stores.enter_context(redis())
    shared = in_redis(store.url)
    return [configure(folder, shared, bus=store.url, agent=SLOW) for _ in range(2)]


def _with_firestore(folder: Path, stores: ExitStack) -> list[ServerProcess]:
    store, log = stores.enter_context(redis()), stores.enter_context(emulator())
    parts = {"backend": "firestore", "firestore": {"collection_prefix": "recovery-"}}
    return [configure(folder, in_redis(store.url), {ENVIRONMENT: log.address}, message_log=parts, agent=SLOW)]
