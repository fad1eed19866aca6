"""In every engine, a step that leads to a slow page is run once and nobody is asked about it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OpenShop
from tests.browser.engines.tab import EngineBrowser, Tab
from tests.browser.shop import Shop
from tests.browser.tabs import embed
from tests.hostile_site import HostileSite, Respond, hostile_site, html
from tests.server.acting import playbook
from tests.services.wait import until

STEPS = ("link", "address", "form")
SECONDS = (0, 0.5, 3, 12)
CASES = [(step, seconds) for step in STEPS for seconds in SECONDS]
# Each step and each kind of delay once; `make soak` has every pair.
SOME = [("link", 0.5), ("address", 0), ("form", 3)]


def name(step: str, seconds: float) -> str:
    return f"{step}{seconds * 1000:g}"


def goal(step: str, seconds: float) -> str:
    # A browser adds the question mark when it submits a form without fields.
    return f"/{name(step, seconds)}{'?' if step == 'form' else ''}"


def task(step: str, seconds: float) -> dict[str, Any]:
    travel = name(step, seconds)
    act: dict[str, Any] = {"action": "navigate", "url": goal(step, seconds)}
    if step == "form":
        act = {"action": "click", "target": {"role": "button", "name": f"Send {travel}"}, "url": goal(step, seconds)}
    return {"id": travel, "match": [f"travel {travel}"], "say": "Off we go.", "done": f"At {travel}.", "steps": [act]}


def body() -> str:
    """A link or a form for each case; an address has neither."""
    links = "".join(f'<a href="{goal("link", seconds)}">Go</a> ' for seconds in SECONDS)
    forms = [name("form", seconds) for seconds in SECONDS]
    return links + "".join(f'<form action="/{travel}"><button>Send {travel}</button></form>' for travel in forms)


def slow(page: bytes, seconds: float) -> Respond:
    async def respond(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(page)

    return respond


async def check(tab: Tab, site: HostileSite, step: str, seconds: float) -> None:
    travel = name(step, seconds)
    await tab.goto(f"{site.base}/start")
    await tab.open()
    await tab.say(f"travel {travel}")

    async def has_arrived() -> bool:
        return bool(await tab.script("return document.title") == travel)

    async def is_done() -> bool:
        return any(bubble.text == f"At {travel}." for bubble in await tab.bubbles())

    await until(has_arrived, f"the page {travel} is there", 60)
    await tab.open()
    # A question would keep the task waiting: nobody answers here.
    await until(is_done, f"the task is done on {travel}")
    assert [path for path in site.asked if travel in path] == [goal(step, seconds)]


async def run(browser: EngineBrowser, shop: Shop, site: HostileSite, cases: list[tuple[str, float]]) -> None:
    start = embed(site, shop, "/start", body=body())
    snippet = f'<script src="{shop.base}/embed.js" async></script>'
    for step, seconds in cases:
        page = html("<h1>Goal</h1>", name(step, seconds), snippet)
        site.pages[goal(step, seconds)] = slow(page, seconds)
    tab = await browser.tab(start)
    for step, seconds in cases:
        await check(tab, site, step, seconds)
    said = await shop.stored(await tab.session_id())
    assert [message["text"] for message in said if message.get("kind") == "question"] == []


# Three pages take 3.5 s together, and twelve 46 s, beside the start of the browser and of the server.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cases", [SOME, pytest.param(CASES, marks=pytest.mark.soak)], ids=["some", "all"])
async def test_a_slow_page_is_asked_for_once(
    browser: EngineBrowser, open_shop: OpenShop, tmp_path: Path, cases: list[tuple[str, float]]
) -> None:
    shop = await open_shop(agent=playbook(tmp_path, {"tasks": [task(step, seconds) for step, seconds in CASES]}))
    async with hostile_site() as site:
        await run(browser, shop, site, cases)
