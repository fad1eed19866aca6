"""`run.py purge` tells the pages that are open in a running server, by a note over the bus."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from tests.conftest import Services
from tests.server.fleet import configure, in_redis, serving
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, redis
from tests.services.server import ROOT


async def test_a_purge_tells_the_open_page_though_the_server_cannot_look_into_its_store(
    tmp_path: Path, services: Services
) -> None:
    server: RedisServer = services.get(redis)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Proxy(server.port))
        direct = in_redis(server.url)
        section = {**direct["redis"], "url": f"redis://127.0.0.1:{store.port}/0"}
        visitor = await stack.enter_async_context(
            serving(configure(tmp_path, direct | {"redis": section}, bus=server.url))
        )
        session_id = await visitor.init()
        page = await visitor.socket(session_id)
        await page.wait("session_joined")
        # From here on only the note can tell the page: the reconciler gets no answer.
        store.hold()
        code, out = await purge(configure(tmp_path, direct, bus=server.url).config, session_id)
        assert (code, ": erased." in out) == (0, True), out
        assert await page.wait("session_deleted") == {"sessionId": session_id}
        store.heal()


async def purge(config: Path, session_id: str) -> tuple[int, str]:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "run.py", "--config", str(config), "purge", "shop", session_id),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await command.communicate()
    assert command.returncode is not None
    return command.returncode, out.decode()
