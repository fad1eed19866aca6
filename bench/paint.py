"""How soon a visitor sees the cached messages of a page that was just loaded: a real Chromium, slowed four times."""

from playwright.async_api import BrowserContext, Page, Route

from bench.servers import ABSENT, Server, servers
from bench.table import Row, absent, row
from tests.services.chromium import browser_type, shared_browser

MESSAGES = 200
SLOWED = 4
LOADS = 3
"""Page loads a round."""
_LIMIT_MS = 60_000
WHAT = f"{MESSAGES} cached messages painted"
_SUBJECT = f"Chromium, CPU 1/{SLOWED}"
_SHOWN = """[...(document.querySelector('leflux-widget')?.shadowRoot?.querySelectorAll('[part~=message]') ?? [])]
  .filter((bubble) => bubble.checkVisibility()).length"""
# A message posted in a frame's callback is handled after that frame was painted.
_WATCH = f"""(() => {{
  const wanted = [['first', 1], ['all', {MESSAGES}]];
  const look = () => requestAnimationFrame(() => {{
    const shown = performance.getEntriesByName('agent').length ? {_SHOWN} : 0;
    while (wanted.length && shown >= wanted[0][1]) {{
      const [name] = wanted.shift();
      const channel = new MessageChannel();
      channel.port1.onmessage = () => performance.mark(name);
      channel.port2.postMessage(null);
    }}
    if (wanted.length) look();
  }});
  look();
}})()"""
_TOOK = "['first', 'all'].map((name) => performance.measure('paint', 'agent', name).duration)"


async def cached_history(rounds: int) -> list[Row]:
    """From the first statement of the agent's script to the frame with the newest messages, and the one with all."""
    try:
        with servers() as started:
            server = await started.leflux("memory")
            async with browser_type() as kind, shared_browser(kind) as browser:
                samples = await _loads(await browser.new_context(bypass_csp=True), server, rounds * LOADS)
    except ABSENT as why:
        return [absent(WHAT, _SUBJECT, str(why))]
    first, every = zip(*samples, strict=True)
    return [
        row(f"newest of {MESSAGES} cached painted", _SUBJECT, first, "ms", "the screen is full; the goal is 50 ms"),
        row(WHAT, _SUBJECT, every, "ms"),
    ]


async def _loads(context: BrowserContext, server: Server, count: int) -> list[list[float]]:
    context.set_default_timeout(_LIMIT_MS)
    page = await context.new_page()
    home = f"http://localhost:{server.port}/demo/"
    await _cached(page, home, await server.session(MESSAGES))
    await page.route("**/leflux-agent*", _marked)
    await page.add_init_script(_WATCH)
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    return [await _load(page) for _ in range(count)]


async def _cached(page: Page, home: str, session_id: str) -> None:
    """Leave a page whose widget is open and has the messages of the session in its cache."""
    await page.goto(home)
    await page.evaluate("id => localStorage.setItem('leflux:sessionId', id)", session_id)
    await page.reload()
    await page.locator("leflux-widget [part=launcher]").click()
    await page.wait_for_function(f"{_SHOWN} >= {MESSAGES}")
    await page.wait_for_function(f"JSON.parse(localStorage.getItem('leflux:history'))?.messages.length >= {MESSAGES}")


async def _marked(route: Route) -> None:
    answer = await route.fetch()
    await route.fulfill(response=answer, body="performance.mark('agent');" + await answer.text())


async def _load(page: Page) -> list[float]:
    await page.reload()
    await page.wait_for_function("performance.getEntriesByName('all').length > 0")
    took: list[float] = await page.evaluate(_TOOK)
    return took
