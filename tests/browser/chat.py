"""The widget as a visitor uses it and as a test reads it."""

from typing import Any

from msgspec import Struct
from playwright.async_api import Locator, Page, expect

from tests.services.wait import until

# The open shadow root is read in one call, so that what comes back was on the screen at one moment.
READ = """() => [...document.querySelector('leflux-widget').shadowRoot.querySelectorAll('[part~=message]')].map(
  ({dataset, textContent}) => ({
    id: dataset.id ?? null, seq: dataset.seq ? Number(dataset.seq) : null, role: dataset.role, text: textContent,
    status: dataset.status, kind: dataset.kind ?? null, streaming: dataset.streaming !== undefined,
  }))"""

# Long enough to be interrupted while its echo is being written.
LONG = " ".join(f"word{number}" for number in range(40))


class Bubble(Struct, frozen=True):
    """A message on the screen; `id` and `seq` are None until it is stored."""

    id: str | None
    seq: int | None
    role: str
    text: str
    status: str
    kind: str | None = None
    streaming: bool = False

    @property
    def is_settled(self) -> bool:
        return self.status == "sent" and not self.streaming and self.seq is not None


class Chat:
    """The chat on one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.input: Locator = page.locator("leflux-widget [part=input]")
        self.notice: Locator = page.locator("leflux-widget [part=notice]")

    async def open(self) -> "Chat":
        """Wait for the widget, and open it when it is closed."""
        # Not by `wait_for_function`: its second look is an `eval`, which a page's policy may forbid.
        await self.page.locator("leflux-widget [part=launcher]").wait_for(state="attached")
        panel = self.page.locator("leflux-widget [part=panel]")
        if not await panel.is_visible():
            await self.page.locator("leflux-widget [part=launcher]").click()
        await expect(panel).to_be_visible()
        return self

    async def say(self, text: str) -> None:
        await self.input.fill(text)
        await self.input.press("Enter")

    async def ask(self, text: str) -> None:
        """Say it, and wait for the whole answer of the echo agent."""
        await self.say(text)
        await self.answered(text)

    async def answered(self, text: str) -> None:
        async def is_there() -> bool:
            return any(b.is_settled and b.text == f"echo: {text}" for b in await self.bubbles())

        await until(is_there, f"the answer to {text!r} is on the screen")

    async def converse(self, turns: int, start: int = 1) -> None:
        """`turns` questions and answers: twice as many messages."""
        for number in range(start, start + turns):
            await self.ask(f"question number {number}")

    async def bubbles(self) -> list[Bubble]:
        """What is on the screen now."""
        return [Bubble(**found) for found in await self.page.evaluate(READ)]

    async def shows(self, text: str, status: str | None = None) -> Bubble:
        """Wait for a message with this text, and status."""

        async def find() -> Bubble | None:
            matching = (b for b in await self.bubbles() if b.text == text and status in (None, b.status))
            return next(matching, None)

        return await until(find, f"{text!r} is on the screen as {status or 'whatever'}")

    async def in_mid_reply(self, text: str) -> None:
        """Wait until a part of the echo of `text` is there, and not the whole."""

        async def is_partial() -> bool:
            last = (await self.bubbles())[-1]
            return last.streaming and len("echo: ") < len(last.text) < len(f"echo: {text}")

        await until(is_partial, "a reply is being written")

    async def session_id(self) -> str:
        async def kept() -> str | None:
            found: str | None = await self.page.evaluate("localStorage.getItem('leflux:sessionId')")
            return found

        return await until(kept, "a session id is kept")

    async def stored_locally(self, key: str) -> Any:
        """A record of localStorage as parsed JSON, None when it is absent."""
        return await self.page.evaluate("key => JSON.parse(localStorage.getItem(key))", key)
