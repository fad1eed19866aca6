"""In every engine, what is written while the server is away is answered soon after it is back."""

import asyncio
import time

import pytest

from tests.browser.conftest import OpenShop
from tests.browser.engines.tab import EngineBrowser

LONG = [pytest.mark.soak, pytest.mark.timeout(900)]
SOON = 5.0


async def outage(browser: EngineBrowser, open_shop: OpenShop, seconds: float) -> float:
    """How long after the server's return the answer is on the screen."""
    shop = await open_shop()
    tab = await (await browser.tab(shop.home)).open()
    await tab.ask("before")
    await shop.server.kill()
    await tab.say("written meanwhile")
    await asyncio.sleep(seconds)
    await shop.server.start()
    back = time.monotonic()
    await tab.shows(["before", "echo: before", "written meanwhile", "echo: written meanwhile"])
    return time.monotonic() - back


async def test_a_short_outage(browser: EngineBrowser, open_shop: OpenShop) -> None:
    await outage(browser, open_shop, 5)


@pytest.mark.parametrize("seconds", [pytest.param(seconds, marks=LONG) for seconds in (5, 20, 45, 90, 300)])
async def test_an_outage_is_over_within_five_seconds(
    browser: EngineBrowser, open_shop: OpenShop, engine: str, seconds: float
) -> None:
    late = await outage(browser, open_shop, seconds)
    print(f"{engine}: an outage of {seconds} s, answered {late:.1f} s after the server's return")
    assert late < SOON
