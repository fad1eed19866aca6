"""A task goes on after a reload: no step is repeated, none is lost (docs/protocol.md#reload-in-mid-task)."""

import pytest
from playwright.async_api import BrowserContext

from tests.browser.booking import ABORTED, ANSWERS, DONE, LEAVING, STEPS, Booking, open_booking
from tests.browser.conftest import OpenShop
from tests.services.wait import until

BOOKED = [dict(zip(("name", "email", "phone"), ANSWERS, strict=True))]
MOMENTS = [(moment, number) for number in range(1, STEPS + 1) for moment in ("before", "during", "after")]
# One step of each kind, and every moment of two that leave the page; `make soak` has all on each store.
SOME = [
    ("during", 1),
    ("during", 2),
    ("during", 3),
    *((moment, number) for moment, number in MOMENTS if number in (6, 11)),
]
CLICKS = ["Lamps for my home", "Continue", "Continue to review", "Confirm booking"]


async def booked_once(booking: Booking) -> None:
    await booking.ends(DONE)
    fields = [{name: sent[name] for name in ("name", "email", "phone")} for sent in await booking.submissions()]
    assert fields == BOOKED
    said = [bubble for bubble in await booking.chat.bubbles() if DONE in bubble.text]
    assert len(said) == 1
    clicks = await booking.clicks()
    assert set(clicks) <= set(CLICKS)
    assert len(clicks) <= len(set(clicks)) + booking.repeats, "a click is only repeated when the visitor says so"


async def aborted_once(booking: Booking) -> None:
    async def is_said() -> bool:
        return any(bubble.kind == ABORTED for bubble in await booking.chat.bubbles())

    await until(is_said, "the interruption is told", 30)
    session_id = await booking.chat.session_id()
    assert [message.get("kind") for message in await booking.shop.stored(session_id)].count(ABORTED) == 1
    assert await booking.submissions() == []


@pytest.mark.every_durable_store
async def test_a_demo_is_booked_over_three_pages(open_shop: OpenShop, context: BrowserContext) -> None:
    booking = await open_booking(open_shop, context)
    await booking.begin()
    await booked_once(booking)


@pytest.mark.parametrize(("moment", "number"), SOME)
async def test_a_reload_at_any_moment_neither_repeats_nor_loses_a_step(
    open_shop: OpenShop, context: BrowserContext, moment: str, number: int
) -> None:
    booking = await open_booking(open_shop, context, moment, number)
    await booking.begin()
    await booked_once(booking)
    assert await booking.reloaded()


@pytest.mark.soak
@pytest.mark.every_durable_store
@pytest.mark.parametrize(("moment", "number"), MOMENTS)
async def test_a_reload_at_any_moment_is_safe_on_every_store(
    open_shop: OpenShop, context: BrowserContext, moment: str, number: int
) -> None:
    booking = await open_booking(open_shop, context, moment, number)
    await booking.begin()
    await booked_once(booking)
    assert await booking.reloaded()


@pytest.mark.parametrize(("moment", "number"), [("after", 2), ("after", 6), ("after", 10), ("after", 11)])
async def test_a_click_that_the_visitor_has_seen_is_not_repeated(
    open_shop: OpenShop, context: BrowserContext, moment: str, number: int
) -> None:
    """Asked about an uncertain click, the visitor says that it happened; where the page tells, nobody is asked."""
    booking = await open_booking(open_shop, context, moment, number)
    await booking.begin()
    await booking.ends(DONE, yes=False)
    await booked_once(booking)
    assert await booking.clicks() == CLICKS


async def test_a_task_whose_last_report_is_lost_is_done_all_the_same(
    open_shop: OpenShop, context: BrowserContext
) -> None:
    """Instead of telling that the sequence is complete, the page reloads."""
    booking = await open_booking(open_shop, context, "end", 4)
    await booking.begin("I would like to talk to a person", ANSWERS[:2])
    await booking.ends("Now write your message")
    assert await booking.reloaded()
    said = [bubble.text for bubble in await booking.chat.bubbles() if bubble.kind in ("task", ABORTED)]
    assert len(said) == 2, "what will be done, and that it is done"


@pytest.mark.every_durable_store
@pytest.mark.parametrize("number", LEAVING[1::2])
async def test_a_reload_where_pages_change_is_safe_on_every_store(
    open_shop: OpenShop, context: BrowserContext, number: int
) -> None:
    booking = await open_booking(open_shop, context, "during", number)
    await booking.begin()
    await booked_once(booking)


@pytest.mark.every_durable_store
async def test_another_page_than_the_expected_one_ends_the_task_once(
    open_shop: OpenShop, context: BrowserContext
) -> None:
    booking = await open_booking(open_shop, context, "stuck", 3)
    await booking.begin()
    await booking.step(3)
    await booking.chat.page.goto(f"{booking.shop.base}/demo/about.html")
    await booking.chat.open()
    await aborted_once(booking)


@pytest.mark.every_durable_store
async def test_a_return_after_the_hold_ends_the_task_once(open_shop: OpenShop, context: BrowserContext) -> None:
    booking = await open_booking(open_shop, context, "stuck", 3, task_hold="4s")
    await booking.begin()
    await booking.step(3)
    session_id = await booking.chat.session_id()
    await booking.chat.page.goto("about:blank")

    async def is_over() -> bool:
        _, session = await booking.shop.get(f"/api/session/{session_id}")
        return bool(session["task"]["status"] == "aborted")

    await until(is_over, "nobody came back in time", 30)
    await booking.chat.page.goto(f"{booking.shop.base}/demo/book/")
    await booking.chat.open()
    await aborted_once(booking)


@pytest.mark.every_durable_store
async def test_a_server_killed_in_mid_task_resumes_it(open_shop: OpenShop, context: BrowserContext) -> None:
    booking = await open_booking(open_shop, context)
    await booking.begin()
    await booking.step(4)
    await booking.shop.server.kill()
    await booking.shop.server.start()
    await booked_once(booking)
