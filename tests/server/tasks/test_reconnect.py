"""A lost socket is not a lost page: the instance of a page that runs a task joins again, and nothing is repeated."""

from pathlib import Path

import pytest

from tests.server.acting import FORM, HOME, PageView, begin, of_kind, playbook, task_of, view
from tests.server.conftest import Opened, Visitor, until

PAGE = "this-load"
NEXT = "next-load"
SENT = ("action_plan", "confirmation_required", "task_aborted")


@pytest.fixture
async def acting(opened: Opened, tmp_path: Path) -> Visitor:
    return await opened(agent=playbook(tmp_path))


async def rejoin(acting: Visitor, page: PageView, url: str = HOME, instance: str = PAGE) -> PageView:
    """The page loses its socket and joins by another one, after the server has noticed."""
    await page.leave()

    async def held() -> bool:
        return bool((await task_of(acting, page.session_id))["status"] == "held")

    await until(held, "the task is held")
    return await view(acting, page.session_id, url, instance)


def sent(page: PageView) -> list[str]:
    """What the server sent about the task. The join is acknowledged after it."""
    return [event for event in SENT if page.socket.of(event)]


async def test_a_page_that_runs_a_click_is_sent_nothing_and_asked_nothing_when_it_joins_again(acting: Visitor) -> None:
    page, plan = await begin(acting, page=PAGE)
    await page.start(plan, 0)
    for _ in range(3):
        page = await rejoin(acting, page)
        assert sent(page) == []
    assert (await task_of(acting, page.session_id))["status"] == "running"
    assert (await page.complete(plan, 0)) == {"ok": True}
    await page.run(plan, 1, 2, 3)
    assert (await page.finish(plan)) == {"ok": True}
    assert await of_kind(acting, page.session_id, "aborted") == []


async def test_a_join_on_the_same_socket_meets_the_running_click_and_changes_nothing(acting: Visitor) -> None:
    page, plan = await begin(acting, page=PAGE)
    await page.start(plan, 0)
    before = await task_of(acting, page.session_id)
    joined = await page.report("join_session", url=HOME, page=PAGE)
    assert joined["ok"]
    assert (len(page.socket.of("action_plan")), page.socket.of("confirmation_required")) == (1, [])
    assert await task_of(acting, page.session_id) == before
    assert (await page.complete(plan, 0)) == {"ok": True}


async def test_a_navigation_that_takes_its_time_is_not_sent_again_and_done_on_arrival(acting: Visitor) -> None:
    page, plan = await begin(acting, page=PAGE)
    await page.run(plan, 0)
    await page.start(plan, 1)
    page = await rejoin(acting, page)
    assert sent(page) == []
    after = await rejoin(acting, page, FORM, NEXT)
    again = await after.plan()
    assert [step["id"] for step in again["actions"]] == [step["id"] for step in plan["actions"][2:]]


async def test_a_page_that_repeats_its_start_after_a_reconnect_is_let_on(acting: Visitor) -> None:
    """The acknowledgement may be lost with the socket."""
    page, plan = await begin(acting, page=PAGE)
    await page.start(plan, 0)
    page = await rejoin(acting, page)
    assert (await page.start(plan, 0)) == {"ok": True}
    assert (await page.complete(plan, 0)) == {"ok": True}


async def test_a_reload_is_asked_about_its_click_as_before(acting: Visitor) -> None:
    page, plan = await begin(acting, page=PAGE)
    await page.start(plan, 0)
    after = await rejoin(acting, page, instance=NEXT)
    asked = await after.socket.wait("confirmation_required")
    assert asked["actionId"] == plan["actions"][0]["id"]
    again = await rejoin(acting, after, instance=NEXT)
    assert sent(again) == ["confirmation_required"], "the open question is shown again"


async def test_a_plan_that_was_lost_before_the_page_began_it_is_sent_again(acting: Visitor) -> None:
    page, plan = await begin(acting, page=PAGE)
    again = await (await rejoin(acting, page)).plan()
    assert [step["id"] for step in again["actions"]] == [step["id"] for step in plan["actions"]]


async def test_an_answer_hands_the_step_out_again_until_the_page_begins_it(acting: Visitor) -> None:
    page, plan = await begin(acting, page=PAGE)
    await page.start(plan, 0)
    after = await rejoin(acting, page, instance=NEXT)
    await after.socket.wait("confirmation_required")
    assert (await after.report("confirmation_response", confirmed=True)) == {"ok": True}
    await after.plan()
    again = await rejoin(acting, after, instance=NEXT)
    plan = await again.plan()
    await again.start(plan, 0)
    assert sent(await rejoin(acting, again, instance=NEXT)) == []


async def test_a_client_that_names_no_page_is_served_as_before(acting: Visitor) -> None:
    page, plan = await begin(acting)
    await page.start(plan, 0)
    await page.leave()
    after = await view(acting, page.session_id)
    await after.socket.wait("confirmation_required")
