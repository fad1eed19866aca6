"""Several server processes over one Redis or PostgreSQL, each with a port and, to its bus, a proxy that can fail."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import yaml
from msgspec import Struct

from tests.server.conftest import Visitor, settings_tree
from tests.services import free_port
from tests.services.postgres import PostgresServer
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer
from tests.services.server import ServerProcess

SharedServer = RedisServer | PostgresServer


class Member(Struct, frozen=True):
    """One server, a visitor's view of it, and the proxy between it and the bus."""

    server: ServerProcess
    visitor: Visitor
    bus: Proxy


def configure(
    folder: Path, store: dict[str, Any], environment: Mapping[str, str] | None = None, **sections: Any
) -> ServerProcess:
    """A server on a free port; `sections` are merged into those of the configuration."""
    port = free_port()
    tree = settings_tree(folder) | {"storage": store}
    tree["server"] = {"host": "127.0.0.1", "port": port}
    for name, section in sections.items():
        tree[name] = tree.get(name, {}) | section if isinstance(section, dict) else section
    file = folder / f"leflux-{port}.yaml"
    file.write_text(yaml.safe_dump(tree))
    return ServerProcess(file, port, environment)


def in_redis(url: str, **more: Any) -> dict[str, Any]:
    """A `storage` section with data of its own."""
    return {"backend": "redis", "redis": {"url": url, "prefix": f"{uuid4().hex[:8]}:"}} | more


@asynccontextmanager
async def fleet(folder: Path, shared: SharedServer, count: int = 2, **sections: Any) -> AsyncIterator[list[Member]]:
    """`count` servers that share sessions and bus."""
    store = shared.section()
    members: list[Member] = []
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        for _ in range(count):
            bus = await stack.enter_async_context(Proxy(shared.port))
            server = configure(folder, store, bus=shared.bus_at(bus.port), **sections)
            await stack.enter_async_context(server)
            members.append(Member(server, Visitor(server.base, http, stack), bus))
        yield members


@asynccontextmanager
async def serving(server: ServerProcess) -> AsyncIterator[Visitor]:
    """The server runs; yields a visitor's view of it."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        await stack.enter_async_context(server)
        yield Visitor(server.base, http, stack)
