"""An OpenAI-compatible model, played by a real HTTP server, acts on the page; a reload in mid-task changes nothing."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, expect

from tests.browser import scripted
from tests.browser.booking import Booking, open_booking, patient
from tests.browser.conftest import OpenShop
from tests.server.model_server import Answer, ModelServer, chunk, hang_up, model_server, streamed, text
from tests.services.wait import until

# After the reload there is more on the page than before, in front of everything that was there.
_GROWS = """(html) => addEventListener('DOMContentLoaded', () => {
  if (sessionStorage.getItem('test:fired')) document.body.insertAdjacentHTML('afterbegin', html);
})"""
_OTHERS = "<p id=more><button>New</button><button>Old</button><select><option>Aarhus</option></select></p>"
_TWIN = "<p id=more><select aria-label=Showroom><option>Hamburg</option></select></p>"


@pytest_asyncio.fixture(loop_scope="session")
async def model() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


async def open_chat(
    open_shop: OpenShop, context: BrowserContext, model: ModelServer, *answers: Answer, timeout: str = "20s"
) -> Booking:
    model.answers += answers
    return await open_booking(open_shop, context, agent=scripted.agent(model, timeout))


async def booked_once(booking: Booking) -> None:
    await booking.ends(scripted.BOOKED)
    assert [{name: sent[name] for name in scripted.FIELDS} for sent in await booking.submissions()] == [scripted.FIELDS]
    assert [bubble.text for bubble in await booking.chat.bubbles()].count(scripted.BOOKED) == 1


@pytest.mark.parametrize(("moment", "number"), [("during", 1), ("before", 4), ("end", 5), ("during", 8), ("after", 10)])
async def test_a_model_books_a_demo_once_whenever_the_page_reloads_and_however_it_has_changed(
    open_shop: OpenShop, context: BrowserContext, model: ModelServer, moment: str, number: int
) -> None:
    model.answers += scripted.BOOK
    await context.add_init_script(f"({_GROWS})({json.dumps(_OTHERS)})")
    booking = await open_booking(open_shop, context, moment, number, agent=scripted.agent(model))
    await booking.chat.say("Please book a demo in Hamburg")
    await booked_once(booking)
    assert await booking.reloaded()
    assert len(model.requests) == len(scripted.BOOK), "each plan was asked for once"


async def test_after_a_reload_the_visitor_is_asked_which_of_two_alike_was_meant(
    open_shop: OpenShop, context: BrowserContext, model: ModelServer
) -> None:
    model.answers += scripted.BOOK
    await context.add_init_script(f"({_GROWS})({json.dumps(_TWIN)})")
    booking = await open_booking(open_shop, context, "before", 3, agent=scripted.agent(model))
    await booking.chat.say("Please book a demo in Hamburg")
    await booking.agree()
    await expect(booking.card()).to_contain_text("select Showroom", timeout=30_000)
    await expect(booking.chat.page.locator("#showroom")).to_have_value("")
    await expect(booking.chat.page.locator("#more select")).to_have_value("Hamburg")
    await booking.chat.page.evaluate("document.querySelector('#more').remove()")
    await booking.agree()
    await booked_once(booking)


HALF = chunk(content="Half an")


@pytest.mark.parametrize("how", ["stalls", "stalls half-way", "breaks off", "hangs up thrice"])
async def test_a_model_that_does_not_answer_ends_in_one_clear_message(
    open_shop: OpenShop, context: BrowserContext, model: ModelServer, how: str
) -> None:
    """Also in the middle of a task, when its first plan has run; the next question is answered again."""
    failures: dict[str, list[Answer]] = {
        "stalls": [streamed(hang=model.released)],
        "stalls half-way": [streamed(HALF, hang=model.released)],
        "breaks off": [streamed(HALF, cut=True)],
        "hangs up thrice": [hang_up()] * 3,
    }
    booking = await open_chat(open_shop, context, model, scripted.GO, *failures[how], timeout="2s")
    await booking.chat.say("Please book a demo")
    await booking.agree()

    async def failed() -> bool:
        return any(bubble.kind == "error" and bubble.is_settled for bubble in await booking.chat.bubbles())

    await until(patient(failed), "the visitor hears of it", 30)
    model.answers.append(text("Here ", "again."))
    await booking.chat.say("Hello?")
    await booking.chat.shows("Here again.", "sent")
    said = [bubble for bubble in await booking.chat.bubbles() if bubble.kind == "error"]
    assert len(said) == 1
    assert said[0].text
    assert "secret" not in said[0].text
    assert [bubble.text for bubble in await booking.chat.bubbles() if "Half an" in bubble.text] == []
    assert await booking.submissions() == []
