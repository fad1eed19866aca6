"""The outbox of notices over crashes: everything that was acknowledged is delivered, in order within a conversation,
and an erasure leaves nothing of it behind.
"""

import asyncio
import random
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from backends import open_storage, read_settings
from leflux.chat.conversation_events import ChatEvent
from leflux.owner.accounts import Accounts
from tests.conftest import Services
from tests.server.fleet import configure, in_redis
from tests.server.notices.receiving import QUICK, WEBHOOKS, KillableReceiver, hook, killable, receiving
from tests.server.owner_kit import EMAIL, Caller, converse, owning
from tests.server.searching import STORES, searched
from tests.services.redis import RedisServer, redis
from tests.services.server import ServerProcess
from tests.services.wait import until

CONVERSATIONS = 10
LONG = 600.0


async def token_of(store: dict[str, Any]) -> str:
    """An API token that is made while no server runs."""
    storage = await open_storage(read_settings(store))
    try:
        accounts = Accounts(storage.settings)
        await accounts.set_account(EMAIL, ["*"], None)
        return await accounts.add_token(EMAIL)
    finally:
        await storage.close()


class Talk:
    """Visitors who say numbered words by HTTP, and repeat what was not acknowledged, as the widget does."""

    def __init__(self, servers: list[ServerProcess], http: aiohttp.ClientSession, seed: int) -> None:
        self._servers = servers
        self._http = http
        self._random = random.Random(seed)
        self.said: dict[str, list[str]] = {}

    async def _call(self, path: str, body: Any) -> Any:
        while True:
            server = self._random.choice(self._servers)
            try:
                headers = {"Origin": "http://shop.test"}
                async with self._http.post(server.base + path, json=body, headers=headers) as answer:
                    if answer.status == 200:
                        return await answer.json()
                    assert answer.status == 503, await answer.text()
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.02)

    async def converse(self, messages: int) -> None:
        session_id = (await self._call("/api/session/init", {"websiteUrl": "http://shop.test/"}))["sessionId"]
        for number in range(messages):
            text = f"{session_id[:8]} says {number}"
            body = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": text}
            await self._call("/api/chat", body)
            self.said.setdefault(session_id, []).append(text)


async def interrupt(servers: list[ServerProcess], receiver: KillableReceiver, rounds: int, seed: int) -> None:
    """Kill the receiver, and then a server, several times."""
    chance = random.Random(seed)
    for number in range(rounds):
        await asyncio.sleep(chance.random())
        if number % 2:
            server = chance.choice(servers)
            await server.kill()
            await server.start()
        else:
            await receiver.kill()
            await asyncio.sleep(chance.random())
            await receiver.start()


def texts(receiver: KillableReceiver) -> dict[str, list[str]]:
    """What was received, by conversation, each text where it came first."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for notice in receiver.received():
        assert "refused" not in notice, notice
        if (
            notice["type"] == "message.received"
            and notice["data"]["text"] not in found[notice["data"]["conversationId"]]
        ):
            found[notice["data"]["conversationId"]].append(notice["data"]["text"])
    return found


async def delivered_over_kills(
    folder: Path, servers: list[ServerProcess], token: str, events: int, rounds: int
) -> None:
    async with aiohttp.ClientSession() as http, killable(folder, failing=0.3) as receiver:
        for server in servers:
            await server.start()
        try:
            owner = Caller(servers[0].base, http, {"Authorization": f"Bearer {token}"})
            await receiver.learn((await hook(owner, receiver.url(), "message.received"))["secret"])
            for server in servers:
                # A process that has shown it knows it.
                assert (await Caller(server.base, http, owner.headers).get(WEBHOOKS))["version"] == 1
            talk = Talk(servers, http, events)
            talks = [talk.converse(events // CONVERSATIONS) for _ in range(CONVERSATIONS)]
            await asyncio.gather(interrupt(servers, receiver, rounds, events), *talks)
            expected = sorted(talk.said.values())
            assert sum(map(len, expected)) == events
            await until(lambda: sorted(texts(receiver).values()) == expected, "everything is there, in order", LONG)
        finally:
            for server in servers:
                await server.kill()


SIZES = [pytest.param(150, 4, id="150"), pytest.param(1000, 12, id="1000", marks=pytest.mark.soak)]


@pytest.mark.parametrize(("events", "rounds"), SIZES)
async def test_each_notice_is_delivered_over_kills_on_sqlite(tmp_path: Path, events: int, rounds: int) -> None:
    store = {"backend": "sqlite", "sqlite": {"path": str(tmp_path / "leflux.db")}}
    token = await token_of(store)
    server = configure(tmp_path, store, webhooks=QUICK, agent={"kind": "none"})
    await delivered_over_kills(tmp_path, [server], token, events, rounds)


@pytest.mark.parametrize(("events", "rounds"), SIZES)
async def test_each_notice_is_delivered_over_kills_by_two_processes(
    tmp_path: Path, services: Services, events: int, rounds: int
) -> None:
    bus: RedisServer = services.get(redis)
    store = in_redis(bus.url)
    token = await token_of(store)
    agent = {"kind": "none"}
    servers = [configure(tmp_path, store, webhooks=QUICK, agent=agent, bus=bus.url) for _ in range(2)]
    await delivered_over_kills(tmp_path, servers, token, events, rounds)


@pytest.mark.parametrize("kind", STORES)
async def test_an_erased_conversation_leaves_no_word_in_the_outbox(
    tmp_path: Path, services: Services, kind: str
) -> None:
    """R7, in the bytes of the store, while the receiver is away."""
    async with searched(kind, tmp_path, services, webhooks=QUICK) as (kit, search), receiving() as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        receiver.status = 500
        await hook(owner, receiver.url)
        word = f"canary{uuid4().hex}"
        session_id = await converse(visitor, f"my {word}")
        await until(lambda: receiver.of("conversation.started"), "an attempt")
        found = await search(word)
        assert found
        assert await kit.storage.settings.names("notices/out/") != []
        assert (await visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200

        async def is_gone() -> bool:
            return await search(word) == []

        await until(is_gone, "no byte of it is left")
        receiver.status = 200
        await until(lambda: receiver.of("conversation.deleted"), "the erasure is told")
        assert receiver.of("message.received") == []


async def test_a_notice_that_is_kept_while_its_conversation_is_erased_goes_with_it(tmp_path: Path) -> None:
    """R7: the erasure looked into the outbox before the notice was there."""
    async with owning(tmp_path, "sqlite", webhooks=QUICK) as kit, receiving() as receiver:
        receiver.status = 500
        visitor = await kit.visitor()
        await hook(await kit.owner(), receiver.url)
        session_id = await converse(visitor, "hello")
        assert (await visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200
        assert kit.server.process is not None
        event = ChatEvent("message.received", "shop", session_id, 3, {"text": "late"})
        await kit.server.process.notices.recorder.record(event)
        waiting = await kit.storage.settings.names("notices/out/")
        assert len(waiting) == 1
        assert waiting[0].split("/")[4].endswith("conversation.deleted")
