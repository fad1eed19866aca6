"""A process is killed in mid-reply: another one, or the next, finishes the answer, stored once (R6)."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Services
from tests.server.conftest import Socket, Visitor
from tests.server.fleet import configure, fleet, serving
from tests.server.runtime.test_fleet import SLOW, WORDS, chat, seated
from tests.services.redis import RedisServer, redis
from tests.services.wait import until

ANSWER = f"echo: {WORDS}"


@pytest.fixture
def store(services: Services) -> RedisServer:
    found: RedisServer = services.get(redis)
    return found


def streams(socket: Socket) -> list[str]:
    """The replies whose beginning the socket was told, in order, each once."""
    return list(dict.fromkeys(chunk["streamId"] for chunk in socket.of("message_chunk")))


async def stored(visitor: Visitor, session_id: str) -> list[str]:
    return [message["text"] for message in await visitor.messages(session_id)]


async def test_the_other_process_answers_in_place_of_a_killed_one(tmp_path: Path, store: RedisServer) -> None:
    async with fleet(tmp_path, store, agent=SLOW) as (first, second):
        session_id = await first.visitor.init()
        socket = await seated(second.visitor, session_id)
        await chat(first.visitor, session_id, WORDS)
        await socket.wait("message_chunk", 15)
        first.server.signal(signal.SIGKILL)
        await until(lambda: socket.of("message_done"), "the other process has answered")
        [done] = socket.of("message_done")
        assert done["message"]["text"] == ANSWER
        # The answer began again; what the killed process had written is not glued to it.
        assert len(streams(socket)) == 2
        assert done["streamId"] == streams(socket)[1]
        assert await stored(second.visitor, session_id) == [WORDS, ANSWER]


@pytest.mark.parametrize("after", [3, 15], ids=["a short while", "a long while"])
async def test_a_restarted_process_answers_what_it_had_begun(tmp_path: Path, after: int) -> None:
    sqlite: dict[str, Any] = {"backend": "sqlite", "sqlite": {"path": str(tmp_path / "recovery.db")}}
    server = configure(tmp_path, sqlite, agent=SLOW)
    async with serving(server) as visitor:
        session_id = await visitor.init()
        socket = await seated(visitor, session_id)
        await socket.say(session_id, WORDS)
        await socket.wait("message_chunk", after)
        await server.kill()
        await server.start()

        async def answered() -> bool:
            return len(await stored(visitor, session_id)) == 2

        await until(answered, "the question is answered")
        assert await stored(visitor, session_id) == [WORDS, ANSWER]


async def test_a_store_that_was_emptied_is_told_as_lost_history(tmp_path: Path) -> None:
    """Not as a session that was idle for too long; the conversation can go on in a new session."""
    with redis() as emptied:
        async with fleet(tmp_path, emptied, 1) as [only]:
            session_id = await only.visitor.init()
            socket = await seated(only.visitor, session_id)
            await socket.say(session_id, "before")
            await socket.wait("message_done")
            emptied.ask(b"FLUSHALL")
            await until(lambda: socket.of("history_lost"), "the visitor is told")
            assert socket.of("history_lost") == [{"sessionId": session_id}]
            assert socket.of("session_expired") == []
            following = await only.visitor.init(continues=session_id)
            await socket.client.emit("join_session", {"sessionId": following})
            await until(lambda: len(socket.of("session_joined")) == 2, "the page goes on in a new session")
            assert (await socket.say(following, "after"))["seq"] == 1
