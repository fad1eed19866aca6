"""A person of the site takes a conversation over, speaks in it, and hands it back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Socket, Visitor, until
from tests.server.owner_kit import Caller, OwnerKit, converse, owning

ANN, BOB = "ann.smith@shop.test", "bob@shop.test"
SLOW = {"kind": "echo", "echo": {"delay": "150ms"}}
LONG = " ".join(f"word{number}" for number in range(60))


class Scene:
    """A visitor with a page, and two owners."""

    def __init__(self, kit: OwnerKit, visitor: Visitor, session_id: str, page: Socket) -> None:
        self.kit = kit
        self.visitor = visitor
        self.session_id = session_id
        self.page = page

    async def open(self) -> None:
        self.ann = await self.kit.owner(email=ANN)
        self.bob = await self.kit.owner(email=BOB)
        [self.conversation] = await self.kit.named(self.session_id)

    async def call(self, owner: Caller, verb: str, body: Any = None) -> tuple[int, Any]:
        return await owner.call("POST", f"/sites/shop/sessions/{self.conversation}/{verb}", body or {})

    async def take(self, owner: Caller, **body: Any) -> Any:
        status, answer = await self.call(owner, "take", body)
        assert status == 200, answer
        return answer["person"]

    async def speak(self, owner: Caller, text: str, client_id: str) -> tuple[int, Any]:
        return await self.call(owner, "say", {"clientMessageId": client_id, "text": text})

    async def texts(self) -> list[str]:
        return [message["text"] for message in await self.visitor.messages(self.session_id)]

    async def transcript(self, owner: Caller) -> Any:
        return await owner.get(f"/sites/shop/sessions/{self.conversation}")


@pytest.fixture(params=["memory", "sqlite"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with owning(tmp_path, request.param, agent=SLOW) as kit:
        visitor = await kit.visitor()
        session_id = await visitor.init()
        page = await visitor.socket(session_id)
        await page.wait("session_joined")
        scene = Scene(kit, visitor, session_id, page)
        await scene.open()
        yield scene


async def test_the_visitor_sees_that_a_person_comes_speaks_and_goes(scene: Scene) -> None:
    person = await scene.take(scene.ann)
    assert (person["name"], person["isYou"]) == ("Ann Smith", True)
    assert await scene.page.wait("presence") == {"person": {"name": "Ann Smith"}, "typing": False}
    status, said = await scene.speak(scene.ann, "Hello, <b>I am</b> Ann", "o-1")
    assert (status, said["seq"]) == (200, 1)
    message = await scene.page.wait("message")
    assert (message["id"], message["role"], message["kind"]) == (said["messageId"], "assistant", "person")
    assert (message["data"], message["text"]) == ({"name": "Ann Smith"}, "Hello, <b>I am</b> Ann")
    assert ANN not in str(scene.page.events)
    assert (await scene.call(scene.ann, "release"))[1] == {"released": True}
    assert await scene.page.wait("presence", 2) == {"person": None, "typing": False}
    assert (await scene.transcript(scene.bob))["messages"] == await scene.visitor.messages(scene.session_id)


async def test_a_reply_that_is_being_written_is_dropped(scene: Scene) -> None:
    await scene.page.say(scene.session_id, LONG)
    await scene.page.wait("message_chunk", 2)
    await scene.take(scene.ann)
    await scene.speak(scene.ann, "I am here", "o-1")
    await scene.page.wait("message")
    await scene.page.say(scene.session_id, "thank you")
    await scene.call(scene.ann, "release")
    await scene.page.say(scene.session_id, "are you back?")
    done = await scene.page.wait("message_done")
    assert done["message"]["text"] == "echo: are you back?"
    assert await scene.texts() == [LONG, "I am here", "thank you", "are you back?", "echo: are you back?"]


async def test_a_visitors_message_during_a_take_over_is_for_the_person(scene: Scene) -> None:
    await scene.take(scene.ann)
    assert (await scene.page.say(scene.session_id, "are you there?"))["ok"] is True
    row = (await scene.bob.get("/sites/shop/sessions?state=live"))["sessions"][0]
    assert (row["lastText"], row["person"]["name"], row["person"]["isYou"]) == ("are you there?", "Ann Smith", False)
    assert row["waitingSince"] == (await scene.visitor.messages(scene.session_id))[0]["ts"]
    await scene.speak(scene.ann, "yes", "o-1")
    row = (await scene.ann.get("/sites/shop/sessions?state=live"))["sessions"][0]
    assert (row["waitingSince"], row["person"]["isYou"]) == (None, True)
    assert not scene.kit.server.process._answering._tasks  # type: ignore[union-attr]


async def test_a_page_that_reloads_sees_that_a_person_is_there(scene: Scene) -> None:
    await scene.take(scene.ann, name="Ann")
    status, restored = await scene.visitor.call("POST", f"/api/session/{scene.session_id}", {})
    assert (status, restored["person"]) == (200, {"name": "Ann"})
    again = await scene.visitor.socket(scene.session_id)
    assert (await again.wait("session_joined"))["person"] == {"name": "Ann"}
    await scene.call(scene.ann, "release")
    assert (await again.wait("presence"))["person"] is None


async def test_of_two_owners_one_wins_and_the_other_sees_who(scene: Scene) -> None:
    results = await asyncio.gather(*(scene.call(owner, "take", {}) for owner in (scene.ann, scene.bob)))
    assert sorted(status for status, _ in results) == [200, 409]
    [won], [lost] = ([answer for status, answer in results if status == code] for code in (200, 409))
    assert lost["error"] == "taken"
    person = won["person"]
    assert lost["details"] == {"person": {"name": person["name"], "since": person["since"]}}
    loser, winner = (scene.bob, scene.ann) if results[0][0] == 200 else (scene.ann, scene.bob)
    status, refused = await scene.speak(loser, "me too", "o-1")
    assert (status, refused["error"]) == (409, "not_taken")
    assert (await scene.call(loser, "release"))[1]["error"] == "not_taken"
    await scene.take(loser, force=True)
    assert (await scene.speak(winner, "am I?", "o-2"))[1]["error"] == "not_taken"
    assert (await scene.transcript(winner))["person"]["isYou"] is False
    assert await scene.texts() == []


async def test_what_is_sent_again_is_stored_once(scene: Scene) -> None:
    await scene.take(scene.ann)
    results = await asyncio.gather(*(scene.speak(scene.ann, "once", "o-1") for _ in range(8)))
    assert [status for status, _ in results] == [200] * 8
    assert len({answer["messageId"] for _, answer in results}) == 1
    status, refused = await scene.speak(scene.ann, "twice", "o-1")
    assert (status, refused["error"]) == (409, "duplicate_id_conflict")
    await scene.call(scene.ann, "release")
    assert (await scene.speak(scene.ann, "once", "o-1"))[0] == 200
    assert await scene.texts() == ["once"]


async def test_the_audit_trail_names_the_deeds_and_no_text(scene: Scene) -> None:
    await scene.take(scene.ann)
    await scene.take(scene.ann)
    await scene.speak(scene.ann, "a secret", "o-1")
    await scene.take(scene.bob, force=True)
    await scene.call(scene.bob, "release")
    entries = (await scene.ann.get("/sites/shop/audit"))["entries"]
    deeds = [(entry["actor"], entry["action"]) for entry in entries if entry["action"].startswith("session.")]
    assert deeds == [(BOB, "session.released"), (BOB, "session.taken"), (ANN, "session.taken")]
    assert "a secret" not in str(entries)
    assert scene.session_id not in str(entries)


async def test_an_erasure_wins(scene: Scene) -> None:
    await scene.take(scene.ann)
    assert (await scene.visitor.call("DELETE", f"/api/session/{scene.session_id}"))[0] == 200
    for verb, body in (("take", {}), ("say", {"clientMessageId": "o-1", "text": "late"}), ("release", {})):
        status, refused = await scene.call(scene.ann, verb, body)
        assert (status, refused["error"]) == (410, "session_deleted")


async def test_bad_calls_are_refused(scene: Scene) -> None:
    stranger = await scene.kit.owner("other", email="cy@other.test")
    assert (await scene.call(stranger, "take"))[0] == 404
    for body in ({"name": ""}, {"name": "\u202e \n"}, {"name": "x" * 61}, {"name": 5}):
        assert (await scene.call(scene.ann, "take", body))[1]["error"] == "invalid_request"
    await scene.take(scene.ann, name=" Ann \n Smith ")
    assert (await scene.transcript(scene.ann))["person"]["name"] == "Ann Smith"
    for text in ("", "  ", "x" * 5001, "a\x00b"):
        assert (await scene.speak(scene.ann, text, "o-1"))[1]["error"] == "invalid_message"
    assert (await scene.speak(scene.ann, "hello", "~mine"))[1]["error"] == "invalid_request"
    assert (await scene.ann.call("POST", "/sites/shop/sessions/aaaa/take", {}))[0] == 400


async def test_a_person_who_is_silent_for_too_long_has_left(tmp_path: Path) -> None:
    async with owning(tmp_path, session={"person_silence": "300ms"}) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await visitor.init()
        page = await visitor.socket(session_id)
        await page.wait("session_joined")
        [conversation] = await kit.named(session_id)
        assert (await owner.call("POST", f"/sites/shop/sessions/{conversation}/take", {}))[0] == 200
        await page.wait("presence")

        async def is_free() -> bool:
            return (await owner.get(f"/sites/shop/sessions/{conversation}"))["person"] is None

        await until(is_free, "the silence is over")
        assert kit.server.process is not None
        await kit.server.process._reconciler.look()
        assert (await page.wait("presence", 2))["person"] is None
        await page.say(session_id, "hello bot")
        assert (await page.wait("message_done"))["message"]["text"] == "echo: hello bot"


async def test_an_evicted_conversation_can_only_be_read(tmp_path: Path) -> None:
    async with owning(tmp_path, session={"idle_ttl": "500ms"}) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "hello")
        [conversation] = await kit.named(session_id)

        async def is_over() -> bool:
            return (await owner.get(f"/sites/shop/sessions/{conversation}"))["live"] is False

        await until(is_over, "it is evicted")
        for verb, body in (("take", {}), ("say", {"clientMessageId": "o-1", "text": "late"}), ("release", {})):
            status, refused = await owner.call("POST", f"/sites/shop/sessions/{conversation}/{verb}", body)
            assert (status, refused["error"]) == (410, "session_evicted")
