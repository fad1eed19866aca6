"""The time until the cached messages of a page are painted, in a real Chromium slowed down four times."""

import asyncio
from functools import partial
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

from bench.servers import ABSENT, Server, servers
from bench.table import Row, absent, row
from tests.services.chromium import browser_type, shared_browser

MESSAGES = 200
SLOWED = 4
LOADS = 3
"""Page loads in each round."""
_LIMIT_MS = 60_000
_TRACED = "devtools.timeline,blink.user_timing"
WHAT = f"{MESSAGES} cached messages painted"
_SUBJECT = f"Chromium, CPU 1/{SLOWED}"
_MESSAGES = "[...(document.querySelector('leflux-widget')?.shadowRoot?.querySelectorAll('[part~=message]') ?? [])]"
# A task of this priority from a frame callback is the first to run after the frame was painted.
_WATCH = f"""(() => {{
  const wanted = [['first', 1], ['all', {MESSAGES}]];
  const look = () => requestAnimationFrame(() => {{
    const shown = {_MESSAGES};
    while (wanted.length && shown.length >= wanted[0][1] && shown.at(-1).checkVisibility()) {{
      const [name] = wanted.shift();
      scheduler.postTask(() => performance.mark(name), {{ priority: 'user-blocking' }});
    }}
    if (wanted.length) look();
  }});
  look();
}})()"""


async def cached_history(rounds: int) -> list[Row]:
    """From the first statement of the agent's script to the frame with the newest messages, and to the one with all."""
    try:
        with servers() as started:
            server = await started.leflux("memory")
            async with browser_type() as kind, shared_browser(kind) as browser:
                samples = await _loads(browser, server, rounds * LOADS)
    except ABSENT as why:
        return [absent(WHAT, _SUBJECT, str(why))]
    first, every = zip(*samples, strict=True)
    return [
        row(f"newest of {MESSAGES} cached painted", _SUBJECT, first, "ms", "the screen is full; the goal is 50 ms"),
        row(WHAT, _SUBJECT, every, "ms"),
    ]


async def _loads(browser: Browser, server: Server, count: int) -> list[list[float]]:
    context = await browser.new_context(bypass_csp=True)
    context.set_default_timeout(_LIMIT_MS)
    page = await context.new_page()
    home = f"http://localhost:{server.port}/demo/"
    await _cached(page, home, await server.session(MESSAGES))
    await page.add_init_script(_WATCH)
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    tracer = await browser.new_browser_cdp_session()
    # The first loads compile the script, as for a returning visitor.
    return [await _load(page, tracer) for _ in range(count + LOADS)][LOADS:]


async def _cached(page: Page, home: str, session_id: str) -> None:
    """Leave a page whose widget is open and has the messages of the session in its cache."""
    # Written from an address without a widget, because a widget writes its own state when the page is left.
    await page.goto(f"{home}../health")
    await page.evaluate("id => localStorage.setItem('leflux:sessionId', id)", session_id)
    await page.goto(home)
    await page.locator("leflux-widget [part=launcher]").click()
    await page.wait_for_function(f"{_MESSAGES}.length >= {MESSAGES}")
    await page.wait_for_function(f"JSON.parse(localStorage.getItem('leflux:history'))?.messages.length >= {MESSAGES}")


def _collect(events: list[Any], part: dict[str, Any]) -> None:
    events.extend(part["value"])


async def _load(page: Page, tracer: CDPSession) -> list[float]:
    """Milliseconds from the first statement of the script to each of the two frames, by the browser's trace."""
    events: list[Any] = []
    ended = asyncio.Event()
    collect = partial(_collect, events)
    tracer.on("Tracing.dataCollected", collect)
    tracer.once("Tracing.tracingComplete", lambda _: ended.set())
    await tracer.send("Tracing.start", {"categories": _TRACED, "transferMode": "ReportEvents"})
    await page.reload()
    await page.wait_for_function("performance.getEntriesByName('all').length > 0")
    await tracer.send("Tracing.end")
    await ended.wait()
    tracer.remove_listener("Tracing.dataCollected", collect)
    began = next(
        e["ts"] for e in events if e["name"] == "EvaluateScript" and "leflux-agent" in e["args"]["data"]["url"]
    )
    marks = {e["name"]: e["ts"] for e in events if e["cat"] == "blink.user_timing"}
    return [(marks[name] - began) / 1000 for name in ("first", "all")]
