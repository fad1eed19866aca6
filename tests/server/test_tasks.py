"""Acting on the page, as the widget sees it: PROTOCOL §4, `Reload in mid-task`."""

import asyncio
from pathlib import Path

import pytest

from tests.server.acting import FORM, HOME, begin, of_kind, playbook, task_of, view
from tests.server.conftest import Opened, Visitor, until


@pytest.fixture
async def acting(opened: Opened, tmp_path: Path) -> Visitor:
    return await opened(agent=playbook(tmp_path))


async def test_a_task_runs_to_its_end_and_is_told_once(acting: Visitor) -> None:
    page, plan = await begin(acting)
    assert (plan["isSequence"], plan["message"], plan.get("resumed")) == (True, "I fill it in.", None)
    assert [step["action"] for step in plan["actions"]] == ["click", "navigate", "type", "click"]
    assert [step["expectUrl"] for step in plan["actions"]] == [HOME, HOME, FORM, FORM]
    assert plan["actions"][1]["url"] == FORM
    assert {step["status"] for step in plan["actions"]} == {"pending"}
    await page.run(plan, 0, 1, 2, 3)
    assert (await page.finish(plan)) == {"ok": True}
    complete = await page.socket.wait("task_complete")
    assert (complete["taskId"], complete["message"]["text"]) == (plan["taskId"], "It is filled in.")
    assert complete["summary"]
    assert (await page.finish(plan)) == {"ok": True}, "a repeat is no error"
    stored = await of_kind(acting, page.session_id, "task")
    assert [message["text"] for message in stored] == ["I fill it in.", "It is filled in."]
    assert stored[1] == complete["message"]
    assert {message["data"]["taskId"] for message in stored} == {plan["taskId"]}
    task = await task_of(acting, page.session_id)
    assert (task["status"], task["cursor"], len(task["steps"])) == ("done", 4, 4)


async def test_a_report_for_nothing_or_for_an_ended_task_is_refused(acting: Visitor) -> None:
    page, plan = await begin(acting)
    unknown = await page.report("action_started", taskId="nonsense", actionId=plan["actions"][0]["id"])
    assert (unknown["ok"], unknown["error"]) == (False, "invalid_request")
    assert unknown["details"]["reason"] == "unknown_task"
    unknown = await page.report("action_started", taskId=plan["taskId"], actionId="nonsense")
    assert unknown["details"]["reason"] == "unknown_step"
    await page.finish(plan, success=False, error="cancelled")
    for answer in (await page.start(plan, 0), await page.complete(plan, 0), await page.finish(plan)):
        assert answer["details"]["reason"] == "task_ended"
    for event, fields in [("action_started", {}), ("action_complete", {"actionId": "x"}), ("continue_task", {})]:
        assert (await page.report(event, **fields))["error"] == "invalid_request"


@pytest.mark.parametrize(("error", "reason"), [("cancelled", "cancelled"), ("it broke", "failed")])
async def test_a_page_that_gives_up_ends_the_task_with_one_message(acting: Visitor, error: str, reason: str) -> None:
    page, plan = await begin(acting)
    await page.run(plan, 0)
    assert (await page.finish(plan, success=False, error=error)) == {"ok": True}
    aborted = await page.socket.wait("task_aborted")
    assert (aborted["taskId"], aborted["reason"]) == (plan["taskId"], reason)
    assert await of_kind(acting, page.session_id, "aborted") == [aborted["message"]]
    assert (await task_of(acting, page.session_id))["status"] == "aborted"


async def test_a_reload_on_the_expected_page_resumes_with_the_steps_that_are_left(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.run(plan, 0)
    await page.start(plan, 1)
    await page.leave()

    async def held() -> bool:
        return bool((await task_of(acting, page.session_id))["status"] == "held")

    await until(held, "the task is held")
    assert (await task_of(acting, page.session_id))["heldUntil"] > 0
    after = await view(acting, page.session_id, FORM)
    again = await after.plan()
    assert (again["taskId"], again["resumed"]) == (plan["taskId"], True)
    assert [step["id"] for step in again["actions"]] == [step["id"] for step in plan["actions"][2:]]
    for index in (0, 1):
        assert (await after.start(plan, index))["details"]["reason"] == "step_done"
    await after.run(again, 0, 1)
    await after.finish(again)
    await after.socket.wait("task_complete")
    assert await of_kind(acting, page.session_id, "aborted") == []


async def test_a_reload_on_another_page_aborts_with_one_message(acting: Visitor) -> None:
    page, _ = await begin(acting)
    await page.leave()
    after = await view(acting, page.session_id, "http://shop.test/elsewhere")
    aborted = await after.socket.wait("task_aborted")
    assert aborted["reason"] == "reload"
    assert "reloaded" in aborted["message"]["text"]
    third = await view(acting, page.session_id, HOME)
    assert third.socket.of("action_plan") == []
    assert len(await of_kind(acting, page.session_id, "aborted")) == 1


async def test_a_page_that_never_returns_aborts_by_the_stores_deadline(opened: Opened, tmp_path: Path) -> None:
    acting = await opened(agent=playbook(tmp_path), session={"task_hold": "600ms"})
    page, _ = await begin(acting)
    await page.leave()

    async def aborted() -> bool:
        return bool(await of_kind(acting, page.session_id, "aborted"))

    await until(aborted, "the task is aborted")
    after = await view(acting, page.session_id, HOME)
    assert (await task_of(acting, page.session_id))["reason"] == "reload"
    assert len(await of_kind(acting, page.session_id, "aborted")) == 1
    assert after.socket.of("action_plan") == []


async def test_a_connected_page_is_vouched_for_longer_than_the_hold(opened: Opened, tmp_path: Path) -> None:
    acting = await opened(agent=playbook(tmp_path), session={"task_hold": "2s"})
    page, plan = await begin(acting)
    await page.start(plan, 0)
    # Another session's task is given up meanwhile: proof that more than the hold has passed, without a clock.
    gone, _ = await begin(acting)
    await gone.leave()

    async def aborted() -> bool:
        return bool(await of_kind(acting, gone.session_id, "aborted"))

    await until(aborted, "the other task is aborted")
    assert (await page.complete(plan, 0)) == {"ok": True}


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


async def test_a_step_that_fails_ends_the_task(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    await page.complete(plan, 0, success=False, error="boom")
    aborted = await page.socket.wait("task_aborted")
    assert aborted["reason"] == "failed"
    assert "Open the menu" in aborted["message"]["text"]


async def test_another_tab_on_the_expected_page_takes_the_task_and_the_older_one_is_fenced(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.run(plan, 0)
    other = await view(acting, page.session_id, HOME)
    again = await other.plan()
    assert again["resumed"] is True
    assert (await page.start(plan, 1))["error"] == "not_owner"
    await other.run(again, 0)


async def test_another_tab_on_another_page_ends_the_task(acting: Visitor) -> None:
    page, _ = await begin(acting)
    other = await view(acting, page.session_id, "http://shop.test/faq")
    assert (await other.socket.wait("task_aborted"))["reason"] == "reload"


async def test_two_pages_race_for_a_step_and_one_starts_it(acting: Visitor) -> None:
    page, plan = await begin(acting)
    views = [await view(acting, page.session_id, HOME) for _ in range(4)]
    answers = await asyncio.gather(*(one.start(plan, 0) for one in [page, *views]))
    assert [answer["ok"] for answer in answers].count(True) == 1


async def test_continue_task_brings_a_page_that_did_not_say_where_it_is(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.leave()
    socket = await acting.socket()
    assert (await socket.ask("join_session", page.session_id))["ok"]
    assert socket.of("action_plan") == []
    answer = await socket.ask("continue_task", {"sessionId": page.session_id, "context": {"url": HOME}})
    assert answer == {"ok": True}
    assert (await socket.wait("action_plan"))["taskId"] == plan["taskId"]


async def test_a_plan_that_leaves_the_site_is_refused_in_one_message(acting: Visitor) -> None:
    page = await view(acting, await acting.init())
    await page.socket.say(page.session_id, "leave the site")
    done = await page.socket.wait("message_done")
    assert (done["message"]["kind"], done["message"]["data"]) == ("error", {"reason": "plan_refused"})
    assert page.socket.of("action_plan") == []
    assert len(await acting.messages(page.session_id)) == 2


async def test_action_results_keep_a_session_alive_and_nothing_else_of_a_task_does(
    opened: Opened, tmp_path: Path
) -> None:
    acting = await opened(agent=playbook(tmp_path))
    page, plan = await begin(acting)

    async def last_activity() -> int:
        _, answer = await acting.call("GET", f"/api/session/{page.session_id}")
        found: int = answer["lastActivity"]
        return found

    before = await last_activity()
    await page.start(plan, 0)
    assert await last_activity() == before
    await page.complete(plan, 0)
    assert await last_activity() > before


async def test_a_purge_in_mid_task_leaves_nothing(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    status, answer = await acting.call("DELETE", f"/api/session/{page.session_id}")
    assert (status, answer["deleted"]["tasks"]) == (200, 1)
    assert (await page.complete(plan, 0))["error"] == "session_deleted"


async def test_operators_see_what_became_of_tasks(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.run(plan, 0)
    after = await view(acting, page.session_id, HOME)
    await after.finish(await after.plan(), success=False, error="cancelled")
    async with acting.http.get(f"{acting.base}/metrics") as response:
        metrics = await response.text()
    for line in ("resumed", "aborted"):
        assert f'leflux_tasks_total{{how="{line}"}} 1.0' in metrics


async def test_a_playbook_comes_first_and_another_agent_answers_the_rest(opened: Opened, tmp_path: Path) -> None:
    acting = await opened(agent=playbook(tmp_path, kind="echo"))
    page = await view(acting, await acting.init())
    await page.socket.say(page.session_id, "what else?")
    assert (await page.socket.wait("message_done"))["message"]["text"] == "echo: what else?"
    await page.socket.say(page.session_id, "fill the form")
    assert (await page.plan())["actions"]
