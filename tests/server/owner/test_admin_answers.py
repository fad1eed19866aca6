"""The owner's loop: what was not answered is listed, and the owner's answer is given from the next question on."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Services
from tests.server.owner_kit import Caller, converse, owning
from tests.services.redis import RedisServer, redis

SHOP = "/sites/shop"
KNOWLEDGE = {"kind": "knowledge"}
GREEN = {"question": "Do you have it in green?", "text": "Not yet; green comes in May.", "url": ""}


async def write(owner: Caller, *answers: dict[str, str]) -> Any:
    now = await owner.get(f"{SHOP}/answers")
    status, after = await owner.call("PUT", f"{SHOP}/answers", now | {"answers": list(answers)})
    assert status == 200, after
    return after


async def test_unanswered_questions_are_grouped_and_leave_the_list_once_they_are_answered(
    tmp_path: Path, backend: str
) -> None:
    async with owning(tmp_path, backend, agent=KNOWLEDGE) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        await converse(visitor, "hello", "Do you have it in green?", "Who won?")
        newest = await converse(visitor, "do you have it in GREEN")
        listed = (await owner.get(f"{SHOP}/unanswered"))["questions"]
        assert [(one["question"], one["count"]) for one in listed] == [("do you have it in GREEN", 2), ("Who won?", 1)]
        assert listed[0]["conversationId"] == (await kit.named(newest))[0]
        await write(owner, GREEN)
        assert [one["question"] for one in (await owner.get(f"{SHOP}/unanswered"))["questions"]] == ["Who won?"]
        session_id = await converse(visitor, "Do you have it in green")
        told = (await visitor.messages(session_id))[-1]
        assert told["text"] == GREEN["text"]
        assert told["data"] == {"answered": True, "sources": [], "owner": True}
        audit = (await owner.get(f"{SHOP}/audit"))["entries"]
        assert [line["action"] for line in audit if line["action"] == "answers.changed"] == ["answers.changed"]
        assert "May" not in str(audit)


async def test_an_answer_may_only_point_to_a_page_of_the_site(tmp_path: Path) -> None:
    async with owning(tmp_path, agent=KNOWLEDGE) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        await write(owner, {"question": "colours", "url": "https://shop.test/colours"})
        told = (await visitor.messages(await converse(visitor, "Colours?")))[-1]
        assert "(https://shop.test/colours)" in told["text"]
        assert told["data"]["sources"][0]["url"] == "https://shop.test/colours"


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": "q"},
        {"question": "q", "text": "  "},
        {"question": "", "text": "t"},
        {"question": "q", "url": "https://evil.test/"},
        {"question": "q", "url": "javascript:alert(1)"},
        {"question": "q", "url": "https://shop.test/a b"},
        {"question": "q", "text": "x" * 2_001},
    ],
)
async def test_what_cannot_be_an_answer_is_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        status, answer = await owner.call("PUT", f"{SHOP}/answers", {"answers": [wrong], "version": 0})
        assert (status, answer["error"]) == (400, "invalid_request")
        assert (await owner.get(f"{SHOP}/answers"))["answers"] == []


async def test_a_stale_version_is_a_conflict_and_another_owner_sees_nothing(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        await write(owner, GREEN)
        status, answer = await owner.call("PUT", f"{SHOP}/answers", {"answers": [], "version": 0})
        assert (status, answer["error"]) == (409, "conflict")
        other = await kit.owner("other", email="b@b.test")
        for path in ("answers", "unanswered"):
            assert (await other.call("GET", f"{SHOP}/{path}"))[0] == 404


async def test_an_answer_is_given_by_every_process(tmp_path: Path, services: Services) -> None:
    server: RedisServer = services.get(redis)
    storage = {"backend": "redis", "redis": {"url": server.url, "prefix": f"{uuid4().hex}:"}}
    async with (
        owning(tmp_path, storage=storage, bus=server.url, agent=KNOWLEDGE) as one,
        owning(tmp_path, storage=storage, bus=server.url, agent=KNOWLEDGE) as two,
    ):
        await write(await one.owner(), GREEN)
        visitor = await two.visitor()
        told = (await visitor.messages(await converse(visitor, "Do you have it in green?")))[-1]
        assert told["text"] == GREEN["text"]
