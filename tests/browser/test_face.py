"""The widget's face in a real browser: it can be read by everybody, and neither page nor text gets the better of it."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, ViewportSize, async_playwright, expect

from tests.services import absent, find

pytestmark = pytest.mark.browser

WIDGET = Path(__file__).resolve().parents[2] / "leflux" / "widget"
ADDRESS = "http://face.test/"
CSP = "default-src 'none'; script-src 'self'; style-src 'self'"
HTML = """<!doctype html><html lang="en"><head><title>Shop</title><link rel="stylesheet" href="/page.css"></head>
<body><main><h1>Shop</h1></main><script src="/face.js"></script></body></html>"""
HOSTILE_CSS = """
* { font-size: 40px !important; display: block !important; color: red !important; margin: 9px !important }
leflux-widget { visibility: hidden !important; transform: rotate(20deg) !important; opacity: .1 !important }"""
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}
RENDER = """state => {
  window.asked ??= [];
  const actions = new Proxy({}, { get: (_, name) => (...args) => window.asked.push([name, ...args]) });
  window.face ??= Face.createView(document, actions);
  window.face.render(state);
}"""


@cache
def node() -> str:
    beside = Path(sys.executable).parent / "node"
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        absent("node")
    return str(found)


async def face_script() -> bytes:
    """The face alone, as `window.Face`."""
    code = """import("./bundle.mjs").then(async ({ bundle }) =>
      process.stdout.write(await bundle("view/index.ts", "en", { globalName: "Face" })))"""
    process = await asyncio.create_subprocess_exec(node(), "-e", code, cwd=WIDGET, stdout=asyncio.subprocess.PIPE)
    script, _ = await process.communicate()
    assert process.returncode == 0
    return script


@asynccontextmanager
async def face(viewport: ViewportSize = DESK, theme: Any = "light", css: str = "") -> AsyncIterator[Page]:
    """A page with a strict policy, on which nothing may go wrong."""
    chromium = find.chromium()
    if chromium is None:
        absent("Chromium")
    script = await face_script()
    wrong: list[str] = []

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        body, kind = {
            "face.js": (script, "text/javascript"),
            "page.css": (css.encode(), "text/css"),
        }.get(path, (HTML.encode(), "text/html"))
        await route.fulfill(body=body, content_type=f"{kind}; charset=utf-8", headers={"Content-Security-Policy": CSP})

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport=viewport, color_scheme=theme, reduced_motion="reduce")
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        await page.route("**/*", answer)
        await page.goto(ADDRESS)
        yield page
        await browser.close()
    assert wrong == []


def message(key: str, role: str, text: str, **fields: Any) -> dict[str, Any]:
    return {
        "key": key,
        "id": key,
        "seq": 1,
        "role": role,
        "text": text,
        "ts": 1_700_000_000_000,
        "status": "sent",
    } | fields


TALK = [
    message("a", "visitor", "What does shipping cost?", past=True),
    message("b", "assistant", "**12 €**, see [shipping](https://a.example).\n\n- one\n- two\n\n```\ncode\n```"),
    message("c", "system", "Picked up in another tab."),
    message(
        "d", "assistant", "Interrupted.", kind="aborted", data={"sources": [{"title": "T", "url": "https://a.example"}]}
    ),
    message("e", "visitor", "No", status="failed"),
    message("f", "visitor", "Yes", status="sending"),
]
TASK = {"taskId": "t", "done": 1, "total": 3, "description": "Filling in the form", "status": "running"}
QUESTION = {"taskId": "t", "actionId": "a", "message": "Submit?", "confirmLabel": "Yes", "cancelLabel": "No"}


def state(**fields: Any) -> dict[str, Any]:
    calm = {
        "open": True, "docked": False, "expanded": False, "launcherVisible": True, "messages": [], "typing": False,
        "notice": None, "readOnly": False, "unread": 0, "config": {"chips": ["Prices", "Book a demo"]}, "locale": "en",
        "maxChars": 5000, "clockOffset": 0, "task": None, "confirmation": None,
    }  # fmt: skip
    return calm | fields


STATES = [
    state(),
    state(open=False, unread=3, config={"launcherLabel": "Help"}),
    state(messages=TALK, notice="reconnecting", task=TASK, confirmation=QUESTION, typing=True),
    state(messages=TALK, notice="taken-over", readOnly=True, docked=True, config={"primaryColor": "#ffd400"}),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
async def test_axe_finds_no_violation(viewport: ViewportSize, theme: str) -> None:
    axe = (WIDGET / "node_modules" / "axe-core" / "axe.min.js").read_text()
    async with face(viewport, theme) as page:
        await page.evaluate(axe)
        for shown in STATES:
            await page.evaluate(RENDER, shown)
            report = await page.evaluate("axe.run('leflux-widget')")
            assert [(found["id"], found["nodes"]) for found in report["violations"]] == []
            assert len(report["passes"]) > 5


async def test_the_pages_css_does_not_reach_in() -> None:
    measure = """() => {
      const part = name => document.querySelector('leflux-widget').shadowRoot.querySelector(`[part=${name}]`);
      const look = name => {
        const { fontSize, display, color, margin, visibility } = getComputedStyle(part(name));
        return [fontSize, display, color, margin, visibility, part(name).getBoundingClientRect().width];
      };
      return ['panel', 'message', 'input', 'send', 'launcher'].map(look);
    }"""
    looks = []
    for css in ("", HOSTILE_CSS):
        async with face(css=css) as page:
            await page.evaluate(RENDER, state(messages=TALK))
            looks.append(await page.evaluate(measure))
    assert looks[0] == looks[1]


async def test_hostile_text_stays_text_inside_the_panel() -> None:
    texts = [
        "<img src=x onerror=alert(1)><script>alert(2)</script>",
        "[click](javascript:alert(3)) [x](data:text/html,x)",
        "W" * 5_000,
        "```\n" + "W" * 500 + "\n```",
        "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘" * 20,
    ]
    talk = [message(f"{role}{n}", role, text) for n, text in enumerate(texts) for role in ("assistant", "visitor")]
    async with face(PHONE) as page:
        await page.evaluate(RENDER, state(messages=talk))
        assert await page.locator("[part=message]").count() == len(talk)
        assert await page.locator("[part=message]").locator("img, script, a").count() == 0
        widths = "e => [e.scrollWidth, e.clientWidth, document.documentElement.scrollWidth]"
        inside, outside, whole = await page.locator("[part=messages]").evaluate(widths)
        assert inside == outside
        assert whole == PHONE["width"]


async def test_an_on_screen_keyboard_does_not_cover_what_is_typed() -> None:
    keyboard = """([height, offsetTop, scale]) => {
      Object.defineProperties(visualViewport, Object.fromEntries(
        Object.entries({ height, offsetTop, scale }).map(([name, value]) => [name, { value, configurable: true }])));
      visualViewport.dispatchEvent(new Event('resize'));
    }"""
    async with face(PHONE) as page:
        await page.evaluate(RENDER, state(messages=TALK))
        panel = page.locator("[part=panel]")
        for seen, top, height in (([500, 0, 1], 0, 500), ([500, 120, 1], 120, 500), ([400, 50, 2], 0, 844)):
            await page.evaluate(keyboard, seen)
            box = await panel.bounding_box()
            assert box is not None
            assert (box["y"], box["height"]) == (top, height)
            await expect(page.locator("[part=send]")).to_be_in_viewport()


async def test_a_long_press_offers_to_clear_the_conversation() -> None:
    async with face() as page:
        await page.evaluate(RENDER, state(messages=TALK))
        clear = page.locator("[part=clear]")
        await clear.wait_for(state="hidden")
        await page.locator("[part=header] h2").hover()
        await page.mouse.down()
        await clear.wait_for(state="visible")
        await page.mouse.up()
        await clear.click()
        await clear.wait_for(state="hidden")
        assert ["clear"] in await page.evaluate("asked")


async def test_keys_alone_reach_everything() -> None:
    async with face() as page:
        await page.evaluate(RENDER, state(open=False))
        await page.locator("[part=launcher]").focus()
        await page.keyboard.press("Enter")
        await page.evaluate(RENDER, state())
        await page.keyboard.type("Hello")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("there")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Escape")
        asked = [call for call in await page.evaluate("asked") if call != ["used"]]
        assert asked == [["open"], ["send", "Hello\nthere"], ["close"]]
        await page.evaluate(RENDER, state(open=False))
        focused = "document.querySelector('leflux-widget').shadowRoot.activeElement.getAttribute('part')"
        assert await page.evaluate(focused) == "launcher"


async def test_a_reader_stays_where_they_are_and_the_bottom_stays_the_bottom() -> None:
    talk = [message(f"m{n}", "assistant", f"Message {n}") for n in range(200)]
    at_bottom = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 2"
    async with face() as page:
        await page.evaluate(RENDER, state(messages=talk))
        messages = page.locator("[part=messages]")
        await page.locator("[part=message]").nth(199).wait_for()
        handle = await messages.element_handle()
        await page.wait_for_function(at_bottom, arg=handle)
        talk.append(message("more", "assistant", "x\n\n" * 50, streaming=True))
        await page.evaluate(RENDER, state(messages=talk))
        await page.wait_for_function(at_bottom, arg=handle)
        await messages.hover()
        await page.mouse.wheel(0, -2_000)
        await page.wait_for_function("e => e.scrollHeight - e.scrollTop - e.clientHeight > 500", arg=handle)
        before = json.loads(await messages.evaluate("e => JSON.stringify(e.scrollTop)"))
        await page.evaluate(RENDER, state(messages=[*talk, message("new", "assistant", "News")]))
        newer = page.locator(".newer")
        await newer.wait_for(state="visible")
        assert await messages.evaluate("e => e.scrollTop") == before
        await newer.click()
        await page.wait_for_function(at_bottom, arg=handle)
        await newer.wait_for(state="hidden")
