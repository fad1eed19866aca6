"""A Redis that dies, freezes or loses its answers, seen from a visitor's socket and HTTP call."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Socket, Visitor
from tests.server.fleet import configure, in_redis, serving
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, redis
from tests.services.wait import until

APPENDED = rb'"seq":1,'
"""In Redis's answer to the first message of a session."""


@pytest.fixture
def store() -> Iterator[RedisServer]:
    """One of its own: it is killed and frozen."""
    with redis() as running:
        yield running


@asynccontextmanager
async def behind(folder: Path, store: RedisServer) -> AsyncIterator[tuple[Visitor, Proxy]]:
    """A server that reaches its store through the proxy, and that answers nothing by itself."""
    async with Proxy(store.port) as link:
        section = in_redis(f"redis://127.0.0.1:{link.port}/0")
        async with serving(configure(folder, section, agent={"kind": "none"})) as visitor:
            yield visitor, link


async def seated(visitor: Visitor) -> tuple[Socket, str]:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    return socket, session_id


async def insist(socket: Socket, session_id: str, text: str, client_message_id: str) -> dict[str, Any]:
    """Say it again as the widget does, until it is acknowledged."""

    async def attempt() -> dict[str, Any] | None:
        answer: dict[str, Any] = await socket.say(session_id, text, client_message_id)
        assert answer["ok"] or answer["error"] == "store_unavailable"
        return answer if answer["ok"] else None

    return await until(attempt, "the message is acknowledged")


async def texts(visitor: Visitor, session_id: str) -> list[str]:
    return [message["text"] for message in await visitor.messages(session_id)]


def chat(session_id: str, client_message_id: str, text: str) -> dict[str, str]:
    return {"sessionId": session_id, "clientMessageId": client_message_id, "message": text}


async def test_a_lost_reply_and_the_widgets_retry_leave_one_copy(tmp_path: Path, store: RedisServer) -> None:
    """A lost reply of Redis leaves one message (R5)."""
    async with behind(tmp_path, store) as (visitor, link):
        socket, session_id = await seated(visitor)
        link.drop_reply(APPENDED)
        answer = await socket.say(session_id, "once", "c-1")
        assert (answer["ok"], answer["error"]) == (False, "store_unavailable")
        assert link.has_dropped
        again = await insist(socket, session_id, "once", "c-1")
        assert again["seq"] == 1
        assert await socket.say(session_id, "once", "c-1") == again
        assert await texts(visitor, session_id) == ["once"]


async def test_ten_parallel_retries_by_http_are_one_message_also_when_a_reply_is_lost(
    tmp_path: Path, store: RedisServer
) -> None:
    """Ten parallel retries behind a lost reply leave one message (R5)."""
    async with behind(tmp_path, store) as (visitor, link):
        session_id = await visitor.init()
        link.drop_reply(APPENDED)
        body = chat(session_id, "c-1", "once")

        async def attempt() -> Any:
            async def answered() -> Any:
                status, answer = await visitor.call("POST", "/api/chat", body)
                assert status in {200, 503}, answer
                return answer if status == 200 else None

            return await until(answered, "the call is answered")

        answers = await asyncio.gather(*(attempt() for _ in range(10)))
        assert link.has_dropped
        assert answers == [answers[0]] * 10
        assert answers[0]["seq"] == 1
        assert await texts(visitor, session_id) == ["once"]
        status, conflict = await visitor.call("POST", "/api/chat", chat(session_id, "c-1", "other"))
        assert (status, conflict["error"]) == (409, "duplicate_id_conflict")


async def test_a_frozen_redis_is_unavailable_and_never_a_hang(tmp_path: Path, store: RedisServer) -> None:
    """What was sent to a frozen Redis may have landed; the retry finds out (R5)."""
    async with behind(tmp_path, store) as (visitor, _):
        socket, session_id = await seated(visitor)
        assert (await socket.say(session_id, "before", "c-0"))["seq"] == 1
        store.freeze()
        try:
            answers = await asyncio.gather(
                socket.say(session_id, "late", "c-1"),
                visitor.call("POST", "/api/chat", chat(session_id, "c-2", "late too")),
                visitor.call("POST", f"/api/session/{session_id}", {}),
                visitor.call("DELETE", f"/api/session/{session_id}"),
            )
            codes = [answers[0]["error"], *(answer["error"] for _, answer in answers[1:3])]
            assert codes == ["store_unavailable"] * 3
            assert answers[3][0] == 503
        finally:
            store.thaw()
        # The deletion may have landed as well: it was asked for, and its outcome is unknown.
        status, _ = await visitor.call("POST", f"/api/session/{session_id}", {})
        assert status in {200, 410}


async def test_what_was_sent_to_a_frozen_redis_is_stored_once(tmp_path: Path, store: RedisServer) -> None:
    async with behind(tmp_path, store) as (visitor, _):
        socket, session_id = await seated(visitor)
        store.freeze()
        try:
            late = await socket.say(session_id, "late", "c-1")
            by_http = await visitor.call("POST", "/api/chat", chat(session_id, "c-2", "late too"))
        finally:
            store.thaw()
        assert late["error"] == by_http[1]["error"] == "store_unavailable"
        await insist(socket, session_id, "late", "c-1")

        async def stored() -> bool:
            return (await visitor.call("POST", "/api/chat", chat(session_id, "c-2", "late too")))[0] == 200

        await until(stored, "the other one is acknowledged")
        assert sorted(await texts(visitor, session_id)) == ["late", "late too"]


async def test_a_killed_redis_is_unavailable_and_returns_with_every_acknowledged_word(
    tmp_path: Path, store: RedisServer
) -> None:
    """Redis crashes: what was acknowledged survives (R2)."""
    async with behind(tmp_path, store) as (visitor, _):
        socket, session_id = await seated(visitor)
        said = [f"text {number}" for number in range(30)]
        for number, text in enumerate(said):
            assert (await socket.say(session_id, text, f"c-{number}"))["ok"]
        store.kill()
        assert (await socket.say(session_id, "into the void", "c-30"))["error"] == "store_unavailable"
        status, answer = await visitor.call("POST", f"/api/session/{session_id}", {})
        assert (status, answer["error"]) == (503, "store_unavailable")
        async with visitor.http.get(f"{visitor.base}/ready") as ready:
            assert ready.status == 503
        async with visitor.http.get(f"{visitor.base}/health") as health:
            assert health.status == 200
        store.start()
        await insist(socket, session_id, "into the void", "c-30")
        assert await texts(visitor, session_id) == [*said, "into the void"]
        assert (await socket.say(session_id, "text 0", "c-0"))["seq"] == 1


async def test_a_store_that_is_cut_off_answers_at_once_and_is_back_at_once(tmp_path: Path, store: RedisServer) -> None:
    async with behind(tmp_path, store) as (visitor, link):
        socket, session_id = await seated(visitor)
        assert (await socket.say(session_id, "before", "c-0"))["ok"]
        link.cut()
        assert (await socket.say(session_id, "during", "c-1"))["error"] == "store_unavailable"
        link.heal()
        await insist(socket, session_id, "during", "c-1")
        assert await texts(visitor, session_id) == ["before", "during"]
