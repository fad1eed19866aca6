"""What a visitor is asked while a task runs, and what their answers do (docs/protocol.md#tasks)."""

from pathlib import Path

import pytest

from tests.server.acting import HOME, begin, of_kind, playbook, view
from tests.server.conftest import Opened, Visitor, until


@pytest.fixture
async def acting(opened: Opened, tmp_path: Path) -> Visitor:
    return await opened(agent=playbook(tmp_path))


async def test_a_click_that_may_have_happened_is_asked_about(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    await page.leave()
    after = await view(acting, page.session_id, HOME)
    asked = await after.socket.wait("confirmation_required")
    assert (asked["taskId"], asked["actionId"]) == (plan["taskId"], plan["actions"][0]["id"])
    assert asked["confirm_label"]
    assert asked["cancel_label"]
    assert after.socket.of("action_plan") == []
    assert (await after.start(plan, 0))["details"]["reason"] == "question_open"
    assert (await after.report("confirmation_response", confirmed=False)) == {"ok": True}
    again = await after.plan()
    assert [step["id"] for step in again["actions"]] == [step["id"] for step in plan["actions"][1:]]
    assert (await after.report("confirmation_response", confirmed=True))["details"]["reason"] == "no_question"


async def test_a_click_is_repeated_only_when_the_visitor_says_so(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    await page.leave()
    after = await view(acting, page.session_id, HOME)
    await after.socket.wait("confirmation_required")
    await after.socket.say(after.session_id, "Yes!")
    again = await after.plan()
    assert again["actions"][0]["id"] == plan["actions"][0]["id"]
    await after.run(again, 0)
    [reply] = [m for m in await acting.messages(page.session_id) if m["role"] == "assistant" and "kind" not in m]
    assert reply["text"]


async def test_consent_comes_before_the_first_step(acting: Visitor) -> None:
    page = await view(acting, await acting.init())
    context = {"url": HOME, "userData": {"name": "Ada", "email": "ada@shop.test"}}
    await page.report("update_context", context=context)
    await page.socket.say(page.session_id, "book a demo")
    asked = await page.socket.wait("confirmation_required")
    assert asked["message"] == "Shall I book for ada@shop.test?"
    assert page.socket.of("action_plan") == []
    started = await page.report("action_started", taskId=asked["taskId"], actionId=asked["actionId"])
    assert started["details"]["reason"] == "question_open"
    await page.report("confirmation_response", confirmed=True)
    plan = await page.plan()
    assert plan.get("resumed") is None
    assert plan["actions"][0]["inputData"] == "ada@shop.test"
    await page.run(plan, 0)
    await page.finish(plan)
    assert (await page.socket.wait("task_complete"))["message"]["text"] == "Booked for ada@shop.test."


@pytest.mark.parametrize("how", ["button", "words"])
async def test_a_visitor_who_declines_cancels(acting: Visitor, how: str) -> None:
    page = await view(acting, await acting.init())
    await page.report("update_context", context={"userData": {"name": "Ada", "email": "ada@shop.test"}})
    await page.socket.say(page.session_id, "book a demo")
    await page.socket.wait("confirmation_required")
    if how == "button":
        await page.report("confirmation_response", confirmed=False)
    else:
        await page.socket.say(page.session_id, "no, thanks")
    aborted = await page.socket.wait("task_aborted")
    assert aborted["reason"] == "cancelled"
    assert page.socket.of("action_plan") == []
    assert len(await of_kind(acting, page.session_id, "aborted")) == 1


async def test_stop_ends_the_task_and_its_message_answers_the_visitor(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    await page.socket.say(page.session_id, "Stop!")
    assert (await page.socket.wait("task_aborted"))["reason"] == "cancelled"
    await page.socket.say(page.session_id, "what else?")
    await until(lambda: len(page.socket.of("message_done")) == 2, "the next question is answered")
    roles = [(m["role"], m.get("kind")) for m in await acting.messages(page.session_id)]
    assert roles == [
        ("visitor", None),
        ("assistant", "task"),
        ("visitor", None),
        ("assistant", "aborted"),
        ("visitor", None),
        ("assistant", None),
    ]


async def test_questions_are_answered_while_a_task_runs_but_no_second_task_begins(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.socket.say(page.session_id, "what can you do")
    assert "fill the form" in (await page.socket.wait("message_done", 2))["message"]["text"]
    await page.socket.say(page.session_id, "fill the form")
    busy = await page.socket.wait("message_done", 3)
    assert busy["message"]["kind"] == "notice"
    assert len(page.socket.of("action_plan")) == 1
    await page.run(plan, 0)


async def test_a_missing_element_pauses_and_asks(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    assert (await page.complete(plan, 0, success=False, error="element_missing")) == {"ok": True}
    await page.finish(plan, success=False)
    asked = await page.socket.wait("confirmation_required")
    assert "Open the menu" in asked["message"]
    await page.report("confirmation_response", confirmed=True, actionId=asked["actionId"])
    again = await page.plan(2)
    await page.run(again, 0)
    assert await of_kind(acting, page.session_id, "aborted") == []


async def test_continue_task_brings_a_page_that_did_not_say_where_it_is(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.leave()
    socket = await acting.socket()
    assert (await socket.ask("join_session", page.session_id))["ok"]
    assert socket.of("action_plan") == []
    answer = await socket.ask("continue_task", {"sessionId": page.session_id, "context": {"url": HOME}})
    assert answer == {"ok": True}
    assert (await socket.wait("action_plan"))["taskId"] == plan["taskId"]


async def test_looking_again_is_for_the_page_as_it_is_by_then(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    await page.complete(plan, 0, success=False, error="element_missing")
    asked = await page.socket.wait("confirmation_required")
    assert asked["kind"] == "missing"
    without = {"url": HOME, "elements": [{"id": "e1", "role": "button", "name": "Help"}]}
    assert (await page.report("continue_task", context=without)) == {"ok": True}
    assert (await page.socket.wait("confirmation_required", 2)) == asked
    assert len(page.socket.of("action_plan")) == 1
    there = without | {"elements": [*without["elements"], {"id": "e2", "role": "button", "name": "Menu"}]}
    assert (await page.report("continue_task", context=there)) == {"ok": True}
    again = await page.plan(2)
    await page.run(again, 0)


async def test_a_page_that_returns_without_the_next_element_is_asked_about(acting: Visitor) -> None:
    page, _ = await begin(acting)
    await page.leave()
    socket = await acting.socket()
    await socket.ask("join_session", page.session_id)
    context = {"url": HOME, "elements": [{"id": "e1", "role": "button", "name": "Help"}]}
    await socket.ask("continue_task", {"sessionId": page.session_id, "context": context})
    assert (await socket.wait("confirmation_required"))["kind"] == "missing"
    assert socket.of("action_plan") == []


async def test_a_page_that_is_at_work_is_not_told_to_begin_again(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    assert (await page.report("continue_task", context={"url": HOME})) == {"ok": True}
    assert (await page.complete(plan, 0)) == {"ok": True}
    assert len(page.socket.of("action_plan")) == 1
    assert page.socket.of("confirmation_required") == []


async def test_a_page_that_returns_is_told_which_element_was_meant_before(acting: Visitor) -> None:
    """By the description of the page that left, so that nothing that is only called alike is used instead."""
    page, _ = await begin(acting)
    menu = {"id": "x1", "role": "button", "name": "Menu"}
    await page.report("update_context", context={"url": HOME, "elements": [menu]})
    await page.leave()
    after = await view(acting, page.session_id, HOME)
    first, *others = (await after.plan())["actions"]
    assert (first["elementId"], first["target"]) == ("x1", {"role": "button", "name": "Menu"})
    assert ["elementId" in step for step in others] == [False] * 3
