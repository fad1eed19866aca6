"""Acting on the page, as the widget sees it: docs/protocol.md#reload-in-mid-task."""

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
