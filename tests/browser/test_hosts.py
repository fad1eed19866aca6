"""The chat works on every page of `hosts/`: each says what it stands for.

A page puts what it holds against the chat into `verdict`. It may define `act`, which is called after the first answer,
and `leave`, which goes to another document.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from backends import StoreSettings
from backends.sqlite import SqliteSettings
from tests.browser.chat import Chat
from tests.browser.host_pages import HOSTS, page_of, served
from tests.hostile_site import HostileSite, hostile_site, response
from tests.services import absent, free_port
from tests.services.chromium import LIMIT_MS
from tests.services.config import write_config
from tests.services.find import prototype_js
from tests.services.server import ServerProcess
from tests.services.wait import until

# Pages of other tests are theirs.
NAMES = sorted(path.stem for path in HOSTS.glob("*.html") if not path.stem.startswith(("view_", "act_")))
# So many pages are visited at a time.
AT_ONCE = 4
# Storage is what these pages take away, so a reload begins anew.
FORGETFUL = {"storage-throws"}
USES_PROTOTYPE = [path.stem for path in HOSTS.glob("*.html") if "/lib/prototype.js" in path.read_text("utf-8")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """One server for all pages."""
    folder = tmp_path_factory.mktemp("hosts")
    settings = StoreSettings(backend="sqlite", options=SqliteSettings(path=str(folder / "leflux.db")))
    port = free_port()
    limits = {"init_per_minute": 10_000, "address_messages_per_minute": 10_000}
    async with ServerProcess(write_config(folder, settings, port, limits=limits), port) as server:
        yield server.base


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(base: str) -> AsyncIterator[HostileSite]:
    async with hostile_site() as running:
        running.fallback = lambda path: served(path, base)
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh visitor."""
    context = await browser.new_context()
    context.set_default_timeout(LIMIT_MS)
    yield await context.new_page()
    await context.close()


async def says(chat: Chat, text: str) -> None:
    """Press the field and type, as a visitor does."""
    await chat.input.click()
    await chat.page.keyboard.type(text)
    await chat.page.keyboard.press("Enter")
    await chat.answered(text)


async def is_connected(page: Page) -> None:
    """The answer has not come over the slow paths for a broken connection."""

    async def is_so() -> bool:
        return bool(await page.evaluate("LeFlux.getState().connected"))

    await until(is_so, "the socket is connected")


async def visit(browser: Browser, address: str) -> None:
    """Talk, let the page act, talk again, reload, and talk again."""
    context = await browser.new_context()
    context.set_default_timeout(LIMIT_MS)
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(error.stack or ""))
    try:
        await page.goto(address)
        chat = await Chat(page).open()
        await says(chat, "Hello")
        await is_connected(page)
        await page.evaluate("window.act?.()")
        if await page.evaluate("'leave' in window"):
            async with page.expect_navigation():
                await page.evaluate("leave()")
        chat = await Chat(page).open()
        await chat.answered("Hello")
        await says(chat, "After it")
        verdict = await page.evaluate("window.verdict ?? []")
        await page.reload()
        chat = await Chat(page).open()
        if not FORGETFUL & {address.rpartition("/")[2]}:
            await chat.answered("Hello")
        await says(chat, "Once more")
        assert [*verdict, *await page.evaluate("window.verdict ?? []")] == []
        assert [text for text in said if "leflux" in text.lower()] == []
    finally:
        await context.close()


@pytest.mark.parametrize(
    "first", range(0, len(NAMES), AT_ONCE), ids=lambda first: " ".join(NAMES[first : first + AT_ONCE])
)
async def test_the_chat_is_at_home(first: int, browser: Browser, site: HostileSite) -> None:
    names = NAMES[first : first + AT_ONCE]
    if prototype_js() is None and any(name in USES_PROTOTYPE for name in names):
        absent("prototype.js")
    visits = [visit(browser, f"{site.base}/{name}") for name in names]
    failures = []
    for name, failure in zip(names, await asyncio.gather(*visits, return_exceptions=True), strict=True):
        if isinstance(failure, Exception):
            failure.add_note(f"on the page {name}")
            failures.append(failure)
    if failures:
        raise ExceptionGroup("the chat is not at home", failures)


async def test_a_streamed_page_gets_its_chat_with_its_body(page: Page, site: HostileSite, base: str) -> None:
    """The tag is in a head that arrives long before the body."""
    loaded = asyncio.Event()

    async def stream(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html><head><title>x</title>")
        writer.write(f'<script src="{base}/embed.js" async></script>'.encode())
        await writer.drain()
        await loaded.wait()
        writer.write(b"</head><body><main><h1>A shop</h1></main></body>")

    site.pages["/streamed"] = stream
    page.on("response", lambda found: loaded.set() if "leflux-agent" in found.url else None)
    await page.goto(f"{site.base}/streamed")
    await says(await Chat(page).open(), "Hello")


async def test_opening_by_a_script_leaves_the_visitors_words_in_the_page(page: Page, site: HostileSite) -> None:
    await page.goto(f"{site.base}/focus-trap")
    await Chat(page).open()
    await page.evaluate("LeFlux.close()")
    await page.locator("#field").fill("")
    await page.evaluate("LeFlux.open()")
    await expect(page.locator("leflux-widget [part=panel]")).to_be_visible()
    await page.keyboard.type("4111 1111")
    assert await page.locator("#field").input_value() == "4111 1111"
    assert await page.locator("leflux-widget [part=input]").input_value() == ""


async def test_the_server_may_be_mounted_below_a_path(page: Page, site: HostileSite, base: str) -> None:
    """Scripts, calls and sockets all go below the path that a proxy strips."""
    asked: list[str] = []

    async def passed_on(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        headers = {name: request.headers[name] for name in ("Origin", "Content-Type") if name in request.headers}
        url = base + request.path_qs.removeprefix("/chat")
        async with (
            aiohttp.ClientSession() as http,
            http.request(request.method, url, data=await request.read(), headers=headers) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.startswith("Access-Control")}
            return web.Response(
                body=await answer.read(), status=answer.status, headers=kept, content_type=answer.content_type
            )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed_on)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        site.pages["/mounted"] = page_of("plain", f"http://127.0.0.1:{port}/chat")
        await page.goto(f"{site.base}/mounted")
        # The proxy knows no WebSockets, so long polling carries the chat.
        await says(await Chat(page).open(), "Hello")
    finally:
        await runner.cleanup()
    assert {path.split("/")[1] for path in asked} == {"chat"}
    scripts = {"embed.js", "leflux-agent.js", "leflux-page.js", "leflux-socket.js"}
    assert {path.split("/")[2] for path in asked} == scripts | {"api", "socket.io"}


async def test_without_the_policy_a_page_with_trusted_types_is_told_in_one_line(
    page: Page, site: HostileSite, base: str
) -> None:
    rules = "Content-Security-Policy: require-trusted-types-for 'script'; trusted-types 'none'\r\n"
    body = f'<title>x</title><script src="{base}/embed.js" async></script>'
    site.pages["/strict"] = response(body.encode(), headers=rules)
    async with page.expect_console_message(lambda message: message.text.startswith("LeFlux:")):
        await page.goto(f"{site.base}/strict")


def test_every_page_stands_for_a_situation() -> None:
    """The table in `hosts/README.md` names each page, and no others."""
    rows = [line.split("|")[2] for line in (HOSTS / "README.md").read_text("utf-8").splitlines() if line[:1] == "|"]
    words = set(re.findall(r"[\w-]+", " ".join(rows)))
    assert sorted(path.stem for path in HOSTS.glob("*.html") if path.stem not in words) == []
    listed = {name for row in rows[2:] for name in re.findall(r"(?:^|, |; )\s*([a-z_]+-[a-z-]+|(?:view|act)_\w+)", row)}
    assert [name for name in sorted(listed) if not (HOSTS / f"{name}.html").is_file()] == []


async def test_in_a_sandbox_without_an_origin_one_line_says_why_there_is_no_chat(
    page: Page, site: HostileSite, base: str
) -> None:
    site.pages["/inner"] = response(f'<title>x</title><body><script src="{base}/embed.js"></script>'.encode())
    site.pages["/outer"] = response(b'<title>x</title><iframe sandbox="allow-scripts" src="/inner"></iframe>')
    said = "LeFlux: the chat could not start. Error: the page has no origin"
    async with page.expect_console_message(lambda message: message.text.startswith(said)):
        await page.goto(f"{site.base}/outer")
    assert await page.frame_locator("iframe").locator("leflux-widget").count() == 0


async def test_a_frame_of_the_same_origin_has_a_chat_of_its_own(page: Page, site: HostileSite, base: str) -> None:
    script = f'<!doctype html><body><script src="{base}/embed.js"></script>'
    site.pages["/framing"] = response(
        f"<title>x</title><iframe srcdoc='{script}' width=600 height=700></iframe>".encode()
    )
    await page.goto(f"{site.base}/framing")
    inner = page.frame_locator("iframe")
    await inner.locator("leflux-widget [part=launcher]").click()
    await inner.locator("leflux-widget [part=input]").click()
    await page.keyboard.type("Hello")
    await page.keyboard.press("Enter")
    await expect(inner.locator("leflux-widget [part=message]").get_by_text("echo: Hello")).to_be_visible(
        timeout=LIMIT_MS
    )
