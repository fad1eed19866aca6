"""Every page in light and dark, on a desk and on a phone: nothing that axe-core finds, nothing that sticks out."""

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, ViewportSize, expect

from backends import StoreSettings
from backends.sqlite import SqliteSettings
from tests.browser.dashboard import SITE, Desk, Owner
from tests.services import free_port
from tests.services.chromium import LIMIT_MS
from tests.services.config import write_config
from tests.services.server import ServerProcess

WIDGET = Path(__file__).resolve().parents[2] / "leflux" / "widget"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}
PAGES = ["", "/conversations", "/analytics", "/nowhere"]
PAGES += [
    f"/settings/{name}"
    for name in (
        "privacy",
        "appearance",
        "install",
        "knowledge",
        "answers",
        "playbooks",
        "notices",
        "audit",
    )
]
PAGES += ["/account"]


async def judge(tab: Owner) -> None:
    """What axe-core says of the page as it stands, and whether it fits its window."""
    # Evaluated by the debugger, axe is no script of the page: its policy stays in force.
    await tab.page.evaluate((WIDGET / "node_modules" / "axe-core" / "axe.min.js").read_text())
    report = await tab.page.evaluate("axe.run({exclude: ['iframe']})")
    assert [(found["id"], found["nodes"]) for found in report["violations"]] == [], tab.page.url
    assert len(report["passes"]) > 10
    width = await tab.page.evaluate("innerWidth")
    assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width, tab.page.url


@pytest.mark.parametrize(
    ("viewport", "theme"),
    [
        pytest.param(PHONE, "dark", id="phone-dark"),
        pytest.param(DESK, "light", id="desk-light"),
        pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.soak),
        pytest.param(DESK, "dark", id="desk-dark", marks=pytest.mark.soak),
    ],
)
async def test_every_page_is_for_everybody(desk: Desk, browser: Browser, viewport: ViewportSize, theme: str) -> None:
    context = await browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(LIMIT_MS)
    try:
        tab = await desk.stranger(context)
        await tab.go()
        await tab.shows("Sign in to LeFlux")
        await judge(tab)
        await tab.sign_in()
        await tab.shows("Overview")
        for path in [*PAGES, f"/conversations/{desk.sessions['hostile']}", f"/conversations/{desk.sessions['live']}"]:
            await tab.go(SITE + path)
            await expect(tab.title).to_be_visible()
            await expect(tab.page.locator(".skeleton")).to_have_count(0)
            await judge(tab)
        await tab.page.get_by_role("button", name="Delete").click()
        await judge(tab)
        assert tab.wrong == []
    finally:
        await context.close()


async def test_each_chart_says_what_it_shows_and_turns_into_a_table(desk: Desk, browser: Browser) -> None:
    context = await browser.new_context(viewport=DESK)
    context.set_default_timeout(LIMIT_MS)
    try:
        tab = await desk.owner(context, f"{SITE}/analytics?days=7")
        figure = tab.page.locator("figure", has_text="Sessions, messages and visitors")
        await expect(figure.locator("figcaption p")).to_contain_text("in 7 days")
        await figure.get_by_role("button", name="Table").click()
        await expect(figure.locator("tbody tr")).to_have_count(7)
        cells = await figure.locator("tbody tr td:nth-child(2)").all_inner_texts()
        assert sum(int(cell.replace(",", "")) for cell in cells) > 0
        await judge(tab)
    finally:
        await context.close()


async def test_a_chosen_theme_stays(desk: Desk, browser: Browser) -> None:
    context = await browser.new_context(viewport=DESK, color_scheme="light")
    context.set_default_timeout(LIMIT_MS)
    try:
        tab = await desk.owner(context)
        await tab.page.get_by_role("button", name="Dark").click()
        await tab.page.reload()
        await tab.shows("Overview")
        assert await tab.page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    finally:
        await context.close()


async def test_documents_are_never_kept_and_assets_for_good(desk: Desk) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{desk.server.base}/dashboard/{SITE}/analytics") as answer:
            page = await answer.text()
            headers = answer.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "unsafe" not in headers["Content-Security-Policy"]
        script = page.partition('type="module" src="')[2].partition('"')[0]
        async with http.get(desk.server.base + script) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        async with http.get(f"{desk.server.base}/dashboard/assets/../dashboard.py") as answer:
            assert "tornado" not in await answer.text()
        async with http.get(f"{desk.server.base}/dashboard/assets/none.js") as answer:
            assert answer.status == 404


async def test_a_dashboard_that_is_switched_off_is_not_there(tmp_path: Path) -> None:
    settings = StoreSettings(backend="sqlite", options=SqliteSettings(path=str(tmp_path / "leflux.db")))
    port = free_port()
    config = write_config(tmp_path, settings, port, dashboard={"enabled": False})
    async with ServerProcess(config, port) as server, aiohttp.ClientSession() as http:
        for path in ("/dashboard/", "/dashboard/preview.html", "/api/admin/me"):
            async with http.get(server.base + path) as answer:
                assert answer.status == 404
        assert "Dashboard" not in server.log.read_text()
