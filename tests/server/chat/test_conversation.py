"""A conversation over the wire: docs/protocol.md as a third-party client sees it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.server.conftest import Opened, Visitor, until


def message(session_id: str, text: str, key: str | None = None) -> dict[str, str]:
    return {"sessionId": session_id, "clientMessageId": key or str(uuid4()), "message": text}


async def test_init_tells_what_the_widget_needs(visitor: Visitor) -> None:
    status, answer = await visitor.call("POST", "/api/session/init", {"websiteUrl": "http://shop.test/a"})
    assert status == 200
    assert answer["seq"] == 0
    assert answer["history"] == []
    assert answer["siteConfig"] == {"greeting": "Hello"}
    assert answer["messageLog"] is True
    assert answer["retention"] == {
        "clientTtlMs": 86_400_000,
        "userDataTtlMs": 30 * 86_400_000,
        "idleTtlMs": 1_800_000,
        "taskHoldMs": 30_000,
        "readOnlyMs": 3_000,
    }


async def test_a_client_cannot_choose_its_session_id(visitor: Visitor) -> None:
    wished = str(uuid4())
    assert await visitor.init(sessionId=wished) != wished


async def test_a_joined_socket_says_and_hears(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    joined = await socket.wait("session_joined")
    assert {
        key: joined[key] for key in ("sessionId", "restored", "seq", "history", "truncated", "task", "streams")
    } == {
        "sessionId": session_id,
        "restored": True,
        "seq": 0,
        "history": [],
        "truncated": False,
        "task": None,
        "streams": [],
    }
    assert joined["epoch"] == 1
    sent = await socket.say(session_id, "one two three")
    assert sent["ok"] is True
    assert sent["seq"] == 1
    done = await socket.wait("message_done")
    chunks = socket.of("message_chunk")
    assert [chunk["chunkIndex"] for chunk in chunks] == [0, 1, 2, 3]
    assert "".join(chunk["delta"] for chunk in chunks) == done["message"]["text"] == "echo: one two three"
    assert {chunk["streamId"] for chunk in chunks} == {done["streamId"]}
    stored = await visitor.messages(session_id)
    assert [(entry["seq"], entry["role"], entry["text"]) for entry in stored] == [
        (1, "visitor", "one two three"),
        (2, "assistant", "echo: one two three"),
    ]
    assert stored[1] == done["message"]
    assert stored[0]["id"] == sent["messageId"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_join_by_event_takes_the_bare_id_too(visitor: Visitor, transport: str) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(transport=transport)
    acknowledged = await socket.ask("join_session", session_id)
    assert acknowledged["ok"] is True
    assert acknowledged["sessionId"] == session_id
    assert (await socket.wait("session_joined"))["epoch"] == acknowledged["epoch"]
    assert (await socket.say(session_id, "hi"))["ok"] is True


async def test_restore_and_join_give_only_what_is_newer(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    for number in range(3):
        await socket.say(session_id, f"text {number}")
        await socket.wait("message_done", number + 1)
    status, restored = await visitor.call(
        "POST", f"/api/session/{session_id}", {"url": "http://shop.test/", "since": 4}
    )
    assert status == 200
    assert [entry["seq"] for entry in restored["history"]] == [5, 6]
    assert restored["seq"] == 6
    assert restored["truncated"] is False
    again = await visitor.socket(session_id, since=5)
    assert [entry["seq"] for entry in (await again.wait("session_joined"))["history"]] == [6]
    status, info = await visitor.call("GET", f"/api/session/{session_id}")
    assert "history" not in info
    assert info["seq"] == 6


async def test_restore_says_when_older_messages_are_left_out(opened: Opened) -> None:
    visitor = await opened(agent={"kind": "none"})
    session_id = await visitor.init()
    for number in range(205):
        status, _ = await visitor.call("POST", "/api/chat", message(session_id, f"text {number}"))
        assert status == 200
    _, restored = await visitor.call("POST", f"/api/session/{session_id}", {})
    assert [entry["seq"] for entry in restored["history"]] == list(range(6, 206))
    assert restored["truncated"] is True
    _, page = await visitor.call("GET", f"/api/session/{session_id}/messages?since=0&limit=100")
    assert [entry["seq"] for entry in page["messages"]] == list(range(1, 101))
    assert page["more"] is True


async def test_chat_over_http_reaches_the_owning_socket(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    status, answer = await visitor.call("POST", "/api/chat", message(session_id, "by http"))
    assert (status, answer["seq"], answer["status"]) == (200, 1, "processing")
    assert (await socket.wait("message"))["id"] == answer["messageId"]
    assert (await socket.wait("message_done"))["message"]["text"] == "echo: by http"


async def test_ten_parallel_retries_are_stored_once(visitor: Visitor) -> None:
    session_id = await visitor.init()
    body = message(session_id, "only once")
    answers = await asyncio.gather(*(visitor.call("POST", "/api/chat", body) for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    assert len({(answer["messageId"], answer["seq"]) for _, answer in answers}) == 1
    stored = await visitor.messages(session_id)
    assert [entry["text"] for entry in stored if entry["role"] == "visitor"] == ["only once"]


async def test_one_client_message_id_with_another_text_is_refused(visitor: Visitor) -> None:
    session_id = await visitor.init()
    key = str(uuid4())
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    first = await socket.say(session_id, "a text", key)
    assert (await socket.say(session_id, "a text", key)) == first
    assert (await socket.say(session_id, "another", key))["error"] == "duplicate_id_conflict"
    status, answer = await visitor.call("POST", "/api/chat", message(session_id, "another", key))
    assert (status, answer["error"]) == (409, "duplicate_id_conflict")


async def test_the_newest_socket_wins_and_the_older_one_is_fenced(visitor: Visitor) -> None:
    session_id = await visitor.init()
    older = await visitor.socket(session_id)
    first = await older.wait("session_joined")
    newer = await visitor.socket(session_id)
    second = await newer.wait("session_joined")
    assert second["epoch"] > first["epoch"]
    assert await older.wait("session_taken_over") == {"sessionId": session_id, "readOnlyMs": 3000}
    assert (await older.say(session_id, "too late"))["error"] == "not_owner"
    assert (await newer.say(session_id, "mine"))["ok"] is True
    await newer.wait("message_done")
    assert older.of("message_chunk") == []
    assert [entry["text"] for entry in await visitor.messages(session_id)] == ["mine", "echo: mine"]


async def test_a_stream_is_caught_up_after_a_rejoin(opened: Opened) -> None:
    visitor = await opened(agent={"kind": "echo", "echo": {"delay": "50ms"}})
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    words = " ".join(f"word{number}" for number in range(20))
    await socket.say(session_id, words)
    await socket.wait("message_chunk", 3)
    again = await visitor.socket(session_id, since=1)
    joined = await again.wait("session_joined")
    [stream] = joined["streams"]
    done = await again.wait("message_done")
    later = [chunk for chunk in again.of("message_chunk") if chunk["chunkIndex"] >= stream["nextChunk"]]
    assert [chunk["chunkIndex"] for chunk in later] == list(range(stream["nextChunk"], 21))
    assert stream["text"] + "".join(chunk["delta"] for chunk in later) == done["message"]["text"] == f"echo: {words}"


async def test_an_idle_session_expires_and_the_next_one_names_it(opened: Opened) -> None:
    visitor = await opened(session={"idle_ttl": "3s"})
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    assert await socket.wait("session_expired") == {"sessionId": session_id}
    assert (await socket.say(session_id, "anyone?"))["error"] == "session_not_found"
    status, answer = await visitor.call("POST", f"/api/session/{session_id}", {})
    assert (status, answer["error"]) == (404, "session_not_found")
    prior = [{"role": "visitor", "text": "before", "id": "x", "seq": 1, "ts": 1}]
    fresh = await visitor.init(continues=session_id, priorHistory=prior)
    assert fresh != session_id
    assert (await socket.ask("join_session", {"sessionId": fresh}))["ok"] is True
    assert (await socket.say(fresh, "hello again"))["seq"] == 1


async def test_joins_restores_and_visibility_do_not_keep_a_session_alive(opened: Opened) -> None:
    visitor = await opened(session={"idle_ttl": "3s"})
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")

    async def gone() -> bool:
        await socket.ask("visibility", {"sessionId": session_id, "visible": True})
        await socket.ask("update_context", {"sessionId": session_id, "context": {"title": "x"}})
        status, _ = await visitor.call("POST", f"/api/session/{session_id}", {})
        return status == 404

    await until(gone, "evicted in spite of being looked at")


async def test_delete_erases_for_good_and_says_how_much(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    await socket.say(session_id, "forget me")
    await socket.wait("message_done")
    status, answer = await visitor.call("DELETE", f"/api/session/{session_id}")
    assert (status, answer) == (
        200,
        {"success": True, "deleted": {"sessions": 1, "messages": 2, "logged": 2, "tasks": 0}},
    )
    assert await socket.wait("session_deleted") == {"sessionId": session_id}
    assert (await socket.say(session_id, "still here?"))["error"] == "session_deleted"
    for method, path, body in [
        ("GET", f"/api/session/{session_id}", None),
        ("POST", f"/api/session/{session_id}", {}),
        ("GET", f"/api/session/{session_id}/messages", None),
        ("POST", "/api/chat", message(session_id, "revive")),
    ]:
        status, answer = await visitor.call(method, path, body)
        assert (status, answer["error"]) == (410, "session_deleted"), path
    rejoin = await visitor.socket(session_id)
    assert await rejoin.wait("session_deleted") == {"sessionId": session_id}
    assert (await rejoin.wait("error"))["error"] == "session_deleted"
    assert (await rejoin.ask("join_session", session_id))["error"] == "session_deleted"
    status, answer = await visitor.call("DELETE", f"/api/session/{session_id}")
    assert (status, answer["error"]) == (404, "session_not_found")


async def test_delete_in_mid_reply_leaves_nothing_behind(opened: Opened) -> None:
    visitor = await opened(agent={"kind": "echo", "echo": {"delay": "50ms"}})
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    await socket.say(session_id, " ".join(["word"] * 40))
    await socket.wait("message_chunk", 2)
    assert (await visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200
    await socket.wait("session_deleted")
    heard = len(socket.of("message_chunk"))
    assert (await visitor.call("POST", f"/api/session/{session_id}", {}))[0] == 410
    assert socket.of("message_done") == []
    assert len(socket.of("message_chunk")) == heard


async def test_another_sites_session_is_not_found(visitor: Visitor) -> None:
    session_id = await visitor.init()
    other: dict[str, Any] = {"headers": {"Origin": "http://other.test"}}
    for method, path, body in [
        ("GET", f"/api/session/{session_id}", None),
        ("POST", f"/api/session/{session_id}", {}),
        ("DELETE", f"/api/session/{session_id}", None),
        ("POST", "/api/chat", message(session_id, "hi")),
    ]:
        status, answer = await visitor.call(method, path, body, **other)
        assert (status, answer["error"]) == (404, "session_not_found"), path


async def test_health_ready_stats_and_metrics(visitor: Visitor) -> None:
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    await socket.say(session_id, "count me")
    await visitor.call("POST", f"/api/session/{session_id}", {})
    assert await visitor.call("GET", "/health", headers={}) == (200, {"status": "ok"})
    assert (await visitor.call("GET", "/ready", headers={}))[0] == 200
    status, stats = await visitor.call("GET", "/api/stats", headers={})
    assert status == 200
    assert stats["activeSessions"] == 1
    assert stats["connectedSockets"] == 1
    assert stats["messagesProcessed"] == 1
    assert stats["restores"] == {"full": 1, "partial": 0, "new": 1}
    assert stats["uptimeSeconds"] > 0
    async with visitor.http.get(visitor.base + "/metrics") as response:
        assert "leflux_sockets 1.0" in await response.text()
