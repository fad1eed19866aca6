"""Several processes over one Redis or PostgreSQL: what happens in one is true in all, with the bus and without it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Services
from tests.server.conftest import Socket, Visitor
from tests.server.fleet import Member, SharedServer, fleet
from tests.services.postgres import postgres
from tests.services.redis import redis
from tests.services.wait import until

SLOW = {"kind": "echo", "echo": {"delay": "100ms"}}
WORDS = " ".join(f"word{number}" for number in range(30))


@pytest.fixture(params=[redis, postgres])
def store(request: pytest.FixtureRequest, services: Services) -> SharedServer:
    found: SharedServer = services.get(request.param)
    return found


async def seated(visitor: Visitor, session_id: str, **options: Any) -> Socket:
    """A socket that has joined."""
    socket = await visitor.socket(session_id, **options)
    await socket.wait("session_joined")
    return socket


async def chat(visitor: Visitor, session_id: str, text: str) -> None:
    body = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": text}
    status, answer = await visitor.call("POST", "/api/chat", body)
    assert status == 200, answer


def heard(socket: Socket) -> list[str]:
    """The texts that the socket was told, each once, in the order of the conversation."""
    messages = socket.of("message") + [done["message"] for done in socket.of("message_done")]
    return [text for _, text in sorted({(message["seq"], message["text"]) for message in messages})]


def hears(socket: Socket, *texts: str) -> Callable[[], bool]:
    return lambda: heard(socket) == list(texts)


async def answered(visitor: Visitor, session_id: str, count: int) -> None:
    async def has_all() -> bool:
        return len(await visitor.messages(session_id)) == count

    await until(has_all, f"{count} messages are stored")


async def metric(visitor: Visitor, name: str) -> float:
    async with visitor.http.get(f"{visitor.base}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(f"leflux_{name} ")))


async def test_a_takeover_in_another_process_evicts_the_older_socket(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store) as (first, second):
        session_id = await first.visitor.init()
        older = await seated(first.visitor, session_id)
        newer = await seated(second.visitor, session_id)
        assert await older.wait("session_taken_over") == {"sessionId": session_id, "readOnlyMs": 3000}
        assert (await older.say(session_id, "too late"))["error"] == "not_owner"
        assert (await newer.say(session_id, "mine"))["ok"] is True
        await newer.wait("message_done")
        assert heard(older) == []
        back = await seated(first.visitor, session_id)
        assert await newer.wait("session_taken_over") == {"sessionId": session_id, "readOnlyMs": 3000}
        assert (await back.say(session_id, "and back"))["seq"] == 3


@pytest.mark.parametrize("fault", [lambda bus: bus.hold(), lambda bus: bus.cut()], ids=["held", "cut"])
async def test_the_store_refuses_the_older_socket_also_when_the_bus_is_silent(
    tmp_path: Path, store: SharedServer, fault: Callable[[Any], None]
) -> None:
    async with fleet(tmp_path, store) as (first, second):
        session_id = await first.visitor.init()
        older = await seated(first.visitor, session_id)
        for member in (first, second):
            fault(member.bus)
        newer = await seated(second.visitor, session_id)
        late = await older.say(session_id, "too late")
        assert (late["ok"], late["error"]) == (False, "not_owner")
        assert (await newer.say(session_id, "mine"))["seq"] == 1
        # The store tells it in the bus's place.
        assert (await older.wait("session_taken_over"))["sessionId"] == session_id
        await until(hears(newer, "echo: mine"), "the owner is answered")


async def test_a_message_by_http_to_one_process_appears_at_the_owner_in_the_other(
    tmp_path: Path, store: SharedServer
) -> None:
    async with fleet(tmp_path, store) as (first, second):
        session_id = await first.visitor.init()
        owner = await seated(second.visitor, session_id)
        await chat(first.visitor, session_id, "by the other door")
        await owner.wait("message_done")
        assert heard(owner) == ["by the other door", "echo: by the other door"]
        chunks = owner.of("message_chunk")
        assert [chunk["chunkIndex"] for chunk in chunks] == list(range(len(chunks)))
        assert "".join(chunk["delta"] for chunk in chunks) == "echo: by the other door"


async def test_what_the_bus_has_lost_is_told_by_the_store(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store) as (first, second):
        session_id = await first.visitor.init()
        owner = await seated(second.visitor, session_id)
        first.bus.cut()
        await chat(first.visitor, session_id, "lost on the way")
        await until(hears(owner, "lost on the way", "echo: lost on the way"), "the owner has what was said", 20)

        async def counted() -> bool:
            return await metric(first.visitor, "bus_dropped") > 0

        await until(counted, "what could not be published is counted")
        first.bus.heal()
        await chat(first.visitor, session_id, "after it")
        await answered(second.visitor, session_id, 4)
        texts = [message["text"] for message in await second.visitor.messages(session_id)]
        await until(hears(owner, *texts), "the owner has all of it", 20)


async def test_a_hole_in_the_middle_is_filled(tmp_path: Path, store: SharedServer) -> None:
    """A later message that did arrive must not hide an earlier one that did not."""
    async with fleet(tmp_path, store, agent={"kind": "none"}) as (first, second):
        session_id = await first.visitor.init()
        owner = await seated(second.visitor, session_id)
        first.bus.cut()
        await chat(first.visitor, session_id, "lost")
        await until(lambda: _dropped(first), "the event is lost")
        first.bus.heal()
        await chat(first.visitor, session_id, "arrived")
        await until(hears(owner, "lost", "arrived"), "the owner has both", 20)


async def _dropped(member: Member) -> bool:
    return await metric(member.visitor, "bus_dropped") > 0


async def test_a_killed_subscription_is_made_again_and_what_it_missed_is_told(
    tmp_path: Path, store: SharedServer
) -> None:
    """A subscription that the carrier drops is renewed, and what was missed is read (R1)."""
    async with fleet(tmp_path, store) as (first, second):
        session_id = await first.visitor.init()
        owner = await seated(second.visitor, session_id)

        await until(lambda: store.listeners() == 2, "both listen")
        assert store.end_listeners() >= 2
        await chat(first.visitor, session_id, "while nobody listened")
        await until(hears(owner, "while nobody listened", "echo: while nobody listened"), "the gap is told", 20)
        await until(lambda: store.listeners() == 2, "both listen again")


async def test_a_delete_in_one_process_ends_the_session_in_the_other(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store, agent=SLOW) as (first, second):
        session_id = await first.visitor.init()
        owner = await seated(second.visitor, session_id)
        canary = f"canary{uuid4().hex}"
        assert (await owner.say(session_id, f"{canary} {WORDS}"))["ok"]
        await owner.wait("message_chunk", 2)
        status, answer = await first.visitor.call("DELETE", f"/api/session/{session_id}")
        assert (status, answer["deleted"]["sessions"]) == (200, 1)
        assert await owner.wait("session_deleted") == {"sessionId": session_id}
        chunks = len(owner.of("message_chunk"))
        for visitor in (first.visitor, second.visitor):
            status, answer = await visitor.call("POST", f"/api/session/{session_id}", {})
            assert (status, answer["error"]) == (410, "session_deleted")
        assert (await owner.say(session_id, "still there?"))["error"] == "session_deleted"
        # The agent's work in the other process is dropped: a whole other conversation brings no chunk of it.
        other = await second.visitor.init()
        await chat(second.visitor, other, WORDS)
        await answered(second.visitor, other, 2)
        assert len(owner.of("message_chunk")) == chunks
        assert owner.of("message_done") == []
        assert await metric(second.visitor, "turns_failed") == 0
        assert store.holds(session_id.encode())
        assert not store.holds(canary.encode())


async def test_a_delete_that_the_bus_does_not_tell_is_told_by_the_store(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store) as (first, second):
        session_id = await first.visitor.init()
        owner = await seated(second.visitor, session_id)
        first.bus.cut()
        assert (await first.visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200
        assert await owner.wait("session_deleted") == {"sessionId": session_id}


async def test_an_idle_session_expires_at_its_socket_once_whoever_swept_it(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store, session={"idle_ttl": "1s"}) as members:
        sockets: list[tuple[Socket, str]] = []
        for number in range(6):
            visitor = members[number % 2].visitor
            session_id = await visitor.init()
            sockets.append((await visitor.socket(session_id), session_id))
        for socket, session_id in sockets:
            assert await socket.wait("session_expired") == {"sessionId": session_id}
        for socket, _ in sockets:
            assert len(socket.of("session_expired")) == 1


async def test_a_reply_that_another_process_writes_is_caught_up_by_a_join(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store, agent=SLOW) as (first, second):
        session_id = await first.visitor.init()
        before = await seated(first.visitor, session_id)
        await before.say(session_id, WORDS)
        await before.wait("message_chunk", 4)
        after = await second.visitor.socket(session_id, since=1)
        joined = await after.wait("session_joined")
        [stream] = joined["streams"]
        assert stream["nextChunk"] >= 4
        assert f"echo: {WORDS}".startswith(stream["text"])
        assert len(stream["text"]) > 0
        _, restored = await second.visitor.call("POST", f"/api/session/{session_id}", {})
        assert [found["streamId"] for found in restored["streams"]] == [stream["streamId"]]
        done = await after.wait("message_done")
        later = [c for c in after.of("message_chunk") if c["chunkIndex"] >= stream["nextChunk"]]
        assert {chunk["streamId"] for chunk in later} == {stream["streamId"]}
        assert [chunk["chunkIndex"] for chunk in later] == list(range(stream["nextChunk"], 31))
        text = stream["text"] + "".join(chunk["delta"] for chunk in later)
        assert text == done["message"]["text"] == f"echo: {WORDS}"


async def test_a_join_waits_for_nobody_when_the_writer_cannot_be_asked(tmp_path: Path, store: SharedServer) -> None:
    async with fleet(tmp_path, store, agent=SLOW) as (first, second):
        session_id = await first.visitor.init()
        before = await seated(first.visitor, session_id)
        await before.say(session_id, WORDS)
        await before.wait("message_chunk", 2)
        first.bus.cut()
        after = await second.visitor.socket(session_id, since=1)
        assert (await after.wait("session_joined"))["streams"] == []
        await until(hears(after, f"echo: {WORDS}"), "the whole reply is there at last")


async def test_a_hundred_takeovers_across_processes_leave_one_owner(tmp_path: Path, store: SharedServer) -> None:
    """R4: the newest wins, and nobody fights back."""
    async with fleet(tmp_path, store) as members:
        session_id = await members[0].visitor.init()
        sockets = [await members[number % 2].visitor.socket(session_id) for number in range(100)]

        def owners() -> list[Socket]:
            return [socket for socket in sockets if socket.of("session_joined") and not socket.of("session_taken_over")]

        def settled() -> bool:
            # A socket whose claim was overtaken before it could sit is told so at once, and never joins.
            return all(socket.of("session_joined") or socket.of("session_taken_over") for socket in sockets)

        await until(lambda: settled() and len(owners()) == 1, "one socket owns, every other one was told", 60)
        [newest] = owners()
        assert (await newest.say(session_id, "mine"))["ok"] is True
        epochs = [joined["epoch"] for socket in sockets for joined in socket.of("session_joined")]
        assert len(set(epochs)) == len(epochs)
        assert newest.of("session_joined")[0]["epoch"] == max(epochs) == 100
