"""Stopping an answer: what was shown is stored once, and nothing but the visitor's stop does it."""

from typing import Any

import pytest

from tests.server.conftest import Opened, until

SLOW = {"kind": "echo", "echo": {"delay": "150ms"}}
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"


@pytest.fixture
async def writing(opened: Opened) -> tuple[Any, str, Any]:
    """A visitor whose answer is being written."""
    visitor = await opened(agent=SLOW)
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    await socket.say(session_id, LONG)
    await socket.wait("message_chunk", 2)
    return visitor, session_id, socket


async def test_a_stopped_answer_is_stored_once_as_far_as_it_was_shown(writing: tuple[Any, str, Any]) -> None:
    visitor, session_id, socket = writing
    for _ in range(2):
        assert (await socket.ask("stop_reply", {"sessionId": session_id}))["ok"] is True
    message = (await socket.wait("message_done"))["message"]
    shown = "".join(chunk["delta"] for chunk in socket.of("message_chunk"))
    assert message["data"] == {"stopped": True}
    assert message["text"] == shown
    assert shown
    assert LONG not in shown
    await socket.ask("stop_reply", {"sessionId": session_id})
    assert [each["role"] for each in await visitor.messages(session_id)] == ["visitor", "assistant"]


async def test_the_next_question_is_answered_after_a_stop(writing: tuple[Any, str, Any]) -> None:
    _, session_id, socket = writing
    await socket.ask("stop_reply", {"sessionId": session_id})
    await socket.wait("message_done")
    await socket.say(session_id, "again")
    message = (await socket.wait("message_done", 2))["message"]
    assert message["text"] == "echo: again"
    assert message.get("data") is None


async def test_a_disconnect_stops_nothing(writing: tuple[Any, str, Any]) -> None:
    visitor, session_id, socket = writing
    await socket.client.disconnect()

    async def answered() -> bool:
        return len(await visitor.messages(session_id)) == 2

    await until(answered, "the whole answer", 20)
    assert (await visitor.messages(session_id))[-1]["text"] == f"echo: {LONG}"


async def test_a_stop_names_the_own_session(writing: tuple[Any, str, Any]) -> None:
    _, _, socket = writing
    refused = await socket.ask("stop_reply", {"sessionId": "ac9ac262-ed9d-4c93-99b9-cc94d42ef48a"})
    assert refused["ok"] is False
    assert (await socket.ask("stop_reply", {}))["error"] == "invalid_request"
