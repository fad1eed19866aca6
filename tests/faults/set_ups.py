"""What is tested: servers over a kind of store, the links between them, and how the store is read past the product."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tests.faults.history import Stored
from tests.faults.visitors import stored
from tests.server.fleet import configure, in_redis
from tests.services.firestore import ENVIRONMENT, Emulator, emulator
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, redis
from tests.services.server import ROOT, ServerProcess

ECHO = {"kind": "echo", "echo": {"delay": "40ms"}}
ReadStore = Callable[[str], tuple[Stored, ...]]
CountLeft = Callable[[str], int]


class SetUp(Struct, kw_only=True):
    """A running installation. `links`: the proxies between servers and stores. `lock`: the SQLite file, if any.

    `read(session)` and `left(word)` look into the store past the product, where it can be read so.
    """

    servers: list[ServerProcess]
    links: Sequence[Proxy] = ()
    redis: RedisServer | None = None
    emulator: Emulator | None = None
    file: Path | None = None
    read: ReadStore | None = None
    left: CountLeft | None = None


Opening = Callable[[Path, AsyncExitStack, Path], Awaitable[SetUp]]


async def _sqlite(folder: Path, stack: AsyncExitStack, root: Path) -> SetUp:
    file = folder / "faults.db"
    server = configure(folder, {"backend": "sqlite", "sqlite": {"path": str(file)}}, agent=ECHO)
    server.root = root

    def read(session: str) -> tuple[Stored, ...]:
        with closing(sqlite3.connect(file)) as db:
            rows = db.execute(
                "SELECT body FROM messages JOIN sessions USING (num) WHERE id = ? ORDER BY messages.seq", (session,)
            ).fetchall()
        return stored([msgspec.json.decode(body) for (body,) in rows])

    def left(word: str) -> int:
        places = [file, file.with_name(file.name + "-wal")]
        return sum(place.read_bytes().count(word.encode()) for place in places if place.exists())

    return SetUp(servers=[server], file=file, read=read, left=left)


async def _redis(
    folder: Path, stack: AsyncExitStack, root: Path, count: int = 1, log: dict[str, Any] | None = None
) -> SetUp:
    store = stack.enter_context(redis())
    links = [await stack.enter_async_context(Proxy(store.port)) for _ in range(count)]
    section = in_redis(store.url)
    servers = []
    for link in links:
        url = f"redis://127.0.0.1:{link.port}/0"
        section["redis"] = section["redis"] | {"url": url}
        more: dict[str, Any] = {"bus": url} if count > 1 else {}
        more |= {} if log is None else {"message_log": log}
        servers.append(configure(folder, section, agent=ECHO, **more))
        servers[-1].root = root
    prefix = section["redis"]["prefix"]

    def read(session: str) -> tuple[Stored, ...]:
        key = f"{prefix}s:{{{session}}}:m"
        lines = store.cli("--json", "LRANGE", key, "0", "-1")
        return stored([msgspec.json.decode(body) for body in msgspec.json.decode(lines)])

    return SetUp(
        servers=servers, links=links, redis=store, read=read, left=lambda word: len(store.keys_with(word.encode()))
    )


async def _two(folder: Path, stack: AsyncExitStack, root: Path) -> SetUp:
    return await _redis(folder, stack, root, 2)


def _log_at(port: int) -> tuple[dict[str, Any], dict[str, str]]:
    log = {"backend": "firestore", "firestore": {"collection_prefix": "faults-"}}
    return log, {ENVIRONMENT: f"127.0.0.1:{port}"}


async def _split(folder: Path, stack: AsyncExitStack, root: Path) -> SetUp:
    running = stack.enter_context(emulator())
    link = await stack.enter_async_context(Proxy(running.port))
    log, environment = _log_at(link.port)
    opened = await _redis(folder, stack, root, 1, log)
    opened.servers[0].environment.update(environment)
    opened.links = [*opened.links, link]
    opened.emulator = running
    return opened


async def _firestore(folder: Path, stack: AsyncExitStack, root: Path) -> SetUp:
    running = stack.enter_context(emulator())
    link = await stack.enter_async_context(Proxy(running.port))
    store, environment = _log_at(link.port)
    server = configure(folder, store, environment, agent=ECHO)
    server.root = root
    return SetUp(servers=[server], links=[link], emulator=running)


SET_UPS: dict[str, Opening] = {
    "sqlite": _sqlite,
    "redis": _redis,
    "redis-2": _two,
    "redis-firestore": _split,
    "firestore": _firestore,
}


@asynccontextmanager
async def opened(name: str, folder: Path, root: Path = ROOT) -> AsyncIterator[SetUp]:
    """The installation, started; everything is gone afterwards. `root`: the checkout whose server runs."""
    async with AsyncExitStack() as stack:
        set_up = await SET_UPS[name](folder, stack, root)
        for server in set_up.servers:
            await stack.enter_async_context(server)
        yield set_up
