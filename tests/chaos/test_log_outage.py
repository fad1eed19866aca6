"""Sessions in Redis, the log in Firestore, and Firestore away: the chat goes on and the log misses nothing."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest
from msgspec import Struct

from tests.chaos import firestore_kit
from tests.conftest import Services
from tests.server.conftest import ORIGIN, Visitor
from tests.server.fleet import configure, in_redis, serving
from tests.services.firestore import ENVIRONMENT, Emulator, emulator
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, redis
from tests.services.server import ServerProcess
from tests.services.wait import until

pytestmark = pytest.mark.xdist_group("firestore")
VISITORS = 4
DRAIN = 60.0


class Rig(Struct, frozen=True):
    """A server whose log is reached through `link`; `prefix` is where the log keeps it."""

    server: ServerProcess
    visitor: Visitor
    link: Proxy
    address: str
    prefix: str


@asynccontextmanager
async def rig(folder: Path, services: Services, **sections: Any) -> AsyncIterator[Rig]:
    store: RedisServer = services.get(redis)
    log: Emulator = services.get(emulator)
    prefix = f"{uuid4().hex[:8]}-"
    async with Proxy(log.port) as link:
        server = configure(
            folder,
            in_redis(store.url),
            {ENVIRONMENT: f"127.0.0.1:{link.port}"},
            message_log={"backend": "firestore", "firestore": {"collection_prefix": prefix}},
            **sections,
        )
        async with serving(server) as visitor:
            yield Rig(server, visitor, link, log.address, prefix)


class Load:
    """Visitors who talk until told to stop; keeps what was acknowledged. A server that is away is asked again."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._talking = True
        self._tasks: list[asyncio.Task[None]] = []
        self.acknowledged: dict[tuple[str, int], str] = {}

    async def __aenter__(self) -> "Load":
        sessions = [await self._visitor.init() for _ in range(VISITORS)]
        self._tasks = [asyncio.create_task(self._talk(session_id)) for session_id in sessions]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._talking = False
        await asyncio.gather(*self._tasks)

    async def _talk(self, session_id: str) -> None:
        number = 0
        while self._talking:
            number += 1
            body = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": f"text {number}"}
            stored = await until(lambda body=body: self._said(body), "the message is acknowledged")  # type: ignore[misc]
            self.acknowledged[session_id, stored["seq"]] = stored["messageId"]
            await asyncio.sleep(0.05)

    async def _said(self, body: dict[str, Any]) -> Any:
        try:
            async with self._visitor.http.post(
                f"{self._visitor.base}/api/chat", json=body, headers={"Origin": ORIGIN}
            ) as answer:
                return await answer.json() if answer.status == 200 else None
        except aiohttp.ClientError:
            return None

    async def lasts(self, seconds: float) -> None:
        """Talk for so long, and at least until something was said."""
        end = time.monotonic() + seconds
        before = len(self.acknowledged)
        await until(lambda: time.monotonic() > end and len(self.acknowledged) > before, "it was talked", seconds + 60)


async def metrics(visitor: Visitor) -> dict[str, float]:
    async with visitor.http.get(f"{visitor.base}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("leflux_outbox")}


async def drained(visitor: Visitor) -> None:
    async def is_empty() -> bool:
        return await metrics(visitor) == {"leflux_outbox_lines": 0, "leflux_outbox_oldest_seconds": 0}

    await until(is_empty, "every line has reached the log", DRAIN)


async def lines_of(rig: Rig) -> dict[tuple[str, int], str]:
    """Every line of the log by session and seq; fails when one is there twice."""
    async with firestore_kit.opened(rig.address, rig.prefix) as storage:
        found = [entry async for entry in storage.log.export("shop", None, None)]
    names = Counter((entry.session_id, entry.seq) for entry in found)
    assert [name for name, count in names.items() if count > 1] == []
    assert len({entry.message_id for entry in found}) == len(found)
    return {(entry.session_id, entry.seq): msgspec.json.decode(entry.body)["id"] for entry in found}


async def holds_all(rig: Rig, load: Load) -> None:
    """The log holds each acknowledged message once, and no hole before any of them."""
    await drained(rig.visitor)
    lines = await lines_of(rig)
    assert load.acknowledged.items() <= lines.items()
    seqs: dict[str, list[int]] = {}
    for session_id, seq in sorted(lines):
        seqs.setdefault(session_id, []).append(seq)
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())


async def lines_wait(visitor: Visitor) -> None:
    async def is_behind() -> bool:
        found = await metrics(visitor)
        return found["leflux_outbox_lines"] > 0 and found["leflux_outbox_oldest_seconds"] > 0

    await until(is_behind, "the lag is shown")


OUTAGES = [pytest.param(3.0, id="3s"), pytest.param(30.0, id="30s", marks=pytest.mark.soak)]


@pytest.mark.parametrize("seconds", OUTAGES)
@pytest.mark.parametrize("fault", ["cut", "hold"])
async def test_the_chat_goes_on_without_its_log_and_the_log_catches_up(
    tmp_path: Path, services: Services, seconds: float, fault: str
) -> None:
    async with rig(tmp_path, services) as running:
        async with Load(running.visitor) as load:
            await load.lasts(1.0)
            getattr(running.link, fault)()
            await load.lasts(seconds)
            await lines_wait(running.visitor)
            async with running.visitor.http.get(f"{running.visitor.base}/ready") as ready:
                assert ready.status == 200
            running.link.heal()
            await load.lasts(1.0)
        await holds_all(running, load)


@pytest.mark.parametrize("seconds", OUTAGES)
async def test_a_server_that_is_killed_while_its_log_is_away_loses_no_line(
    tmp_path: Path, services: Services, seconds: float
) -> None:
    async with rig(tmp_path, services) as running:
        async with Load(running.visitor) as load:
            running.link.cut()
            await load.lasts(seconds / 2)
            await running.server.kill()
            # It starts without its log.
            await running.server.start()
            await load.lasts(seconds / 2)
            await lines_wait(running.visitor)
            running.link.heal()
        await holds_all(running, load)


@pytest.mark.parametrize("seconds", OUTAGES)
async def test_sessions_that_were_evicted_while_the_log_was_away_are_in_it(
    tmp_path: Path, services: Services, seconds: float
) -> None:
    async with rig(tmp_path, services, session={"idle_ttl": "1s"}) as running:
        running.link.cut()
        async with Load(running.visitor) as load:
            await load.lasts(seconds / 2)
        told = {session_id for session_id, _ in load.acknowledged}

        async def evicted() -> bool:
            calls = [running.visitor.call("POST", f"/api/session/{session_id}", {}) for session_id in told]
            return {status for status, _ in await asyncio.gather(*calls)} == {404}

        await until(evicted, "the sessions are evicted")
        await running.server.kill()
        await running.server.start()
        await lines_wait(running.visitor)
        running.link.heal()
        await holds_all(running, load)


async def test_a_deleted_session_is_in_no_log_that_comes_back(tmp_path: Path, services: Services) -> None:
    """What waited for the log is erased with the session; the deletion is accepted, and carried to the log later."""
    async with rig(tmp_path, services) as running:
        session_id = await running.visitor.init()
        body = {"sessionId": session_id, "clientMessageId": "one", "message": "forget me"}
        assert (await running.visitor.call("POST", "/api/chat", body))[0] == 200
        await drained(running.visitor)
        running.link.cut()
        body |= {"clientMessageId": "two"}
        assert (await running.visitor.call("POST", "/api/chat", body))[0] == 200
        page = await running.visitor.socket(session_id)
        await page.wait("session_joined")
        for _ in range(2):
            status, answer = await running.visitor.call("DELETE", f"/api/session/{session_id}")
            assert (status, answer["success"], answer["pending"]) == (202, True, ["log"])
        assert await page.wait("session_deleted") == {"sessionId": session_id}
        assert (await running.visitor.call("POST", "/api/chat", body))[0] == 410
        running.link.heal()

        async def erased() -> bool:
            return (await running.visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 404

        await until(erased, "the deletion is carried to the log")
        assert await lines_of(running) == {}


async def test_a_firestore_that_is_away_at_the_start_is_awaited(tmp_path: Path, services: Services) -> None:
    log: Emulator = services.get(emulator)
    async with Proxy(log.port) as link:
        link.cut()
        section = {"collection_prefix": f"{uuid4().hex[:8]}-"}
        server = configure(
            tmp_path,
            {"backend": "firestore", "firestore": section, "deadline": 2},
            {ENVIRONMENT: f"127.0.0.1:{link.port}"},
        )
        await starts_when_the_store_does(server, link.heal)


async def starts_when_the_store_does(server: ServerProcess, bring_back: Any) -> None:
    """Serves 503 as long as the store is away, and all by itself everything once it is there."""
    starting = asyncio.create_task(server.start())
    try:
        async with aiohttp.ClientSession() as http:

            async def status(path: str) -> int:
                try:
                    async with http.get(server.base + path, headers={"Origin": ORIGIN}) as answer:
                        return answer.status
                except aiohttp.ClientError:
                    return 0

            async def waits() -> bool:
                return (await status("/health"), await status("/ready")) == (200, 503)

            await until(waits, "the server serves, and is not ready")
            assert await status(f"/api/session/{uuid4()}") == 503
            bring_back()
            await starting
            assert await status(f"/api/session/{uuid4()}") == 404
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await server.kill()


async def test_a_redis_that_is_away_at_the_start_is_awaited(tmp_path: Path, services: Services) -> None:
    store: RedisServer = services.get(redis)
    async with Proxy(store.port) as link:
        link.cut()
        server = configure(tmp_path, in_redis(f"redis://127.0.0.1:{link.port}/0", deadline=2))
        await starts_when_the_store_does(server, link.heal)
