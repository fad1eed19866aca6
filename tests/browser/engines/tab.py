"""A tab of any engine with the chat in it. Commands of one browser run one at a time, each in its tab."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from selenium.common.exceptions import (
    ElementNotInteractableException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browser.chat import READ as BUBBLES
from tests.browser.chat import Bubble
from tests.services.wait import until

T = TypeVar("T")
_PART = "document.querySelector('leflux-widget')?.shadowRoot.querySelector('[part~=%s]')"
_IS_SHOWN = "const node = %s; return Boolean(node && node.getClientRects().length && !node.inert)"


class EngineBrowser:
    """One running browser. Each test opens its tabs here and has an origin of its own."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver
        self._lock = asyncio.Lock()
        self._first = driver.current_window_handle

    async def tab(self, url: str) -> "Tab":
        def open_() -> str:
            self.driver.switch_to.window(self._first)
            self.driver.switch_to.new_window("window")
            handle: str = self.driver.current_window_handle
            self.driver.get(url)
            return handle

        return Tab(self, await self.run(None, open_))

    async def run(self, handle: str | None, command: Callable[[], T]) -> T:
        def in_tab() -> T:
            if handle is not None:
                self.driver.switch_to.window(handle)
            return command()

        async with self._lock:
            return await asyncio.to_thread(in_tab)

    async def close_tabs(self) -> None:
        def close() -> None:
            for handle in self.driver.window_handles:
                if handle != self._first:
                    self.driver.switch_to.window(handle)
                    self.driver.close()
            self.driver.switch_to.window(self._first)

        await self.run(None, close)


class Tab:
    def __init__(self, browser: EngineBrowser, handle: str) -> None:
        self._browser = browser
        self._handle = handle

    async def goto(self, url: str) -> None:
        await self._run(lambda: self._browser.driver.get(url))

    async def reload(self) -> None:
        await self._run(self._browser.driver.refresh)

    async def script(self, code: str, *arguments: Any) -> Any:
        return await self._run(lambda: self._browser.driver.execute_script(code, *arguments))

    async def close(self) -> None:
        await self._run(self._browser.driver.close)

    async def _run(self, command: Callable[[], T]) -> T:
        return await self._browser.run(self._handle, command)

    async def is_open(self) -> bool:
        return bool(await self.script(_IS_SHOWN % (_PART % "panel")))

    async def open(self) -> "Tab":
        """Wait for the widget, and open it when it is closed."""

        async def has_launcher() -> bool:
            return bool(await self.script("return Boolean(%s)" % (_PART % "launcher")))

        await until(has_launcher, "the widget is on the page")
        if not await self.is_open():
            await self.press("launcher")
        await until(self.is_open, "the chat is open")
        return self

    async def press(self, part: str) -> None:
        await self.script("%s.click()" % (_PART % part))

    async def type(self, text: str) -> None:
        """With the keys of a keyboard, into the field, as soon as it may be typed into."""

        def keys() -> bool:
            field = self._browser.driver.execute_script("return %s" % (_PART % "input"))
            if field.get_property("readOnly"):
                return False
            try:
                field.send_keys(text)
            except ElementNotInteractableException:
                return False
            return True

        await until(lambda: self._run(keys), "the field takes what is typed")

    async def say(self, text: str) -> None:
        await self.type(text + Keys.ENTER)

    async def ask(self, text: str) -> None:
        """Say it, and wait for the whole answer of the echo agent."""
        await self.say(text)
        await self.answered(text)

    async def answered(self, text: str) -> None:
        async def is_there() -> bool:
            return any(b.is_settled and b.text == f"echo: {text}" for b in await self.bubbles())

        await until(is_there, f"the answer to {text!r} is on the screen")

    async def bubbles(self) -> list[Bubble]:
        return [Bubble(**found) for found in await self.script(f"return ({BUBBLES})()")]

    async def shows(self, texts: list[str]) -> None:
        """Wait until these are the texts on the screen, in this order, all settled."""
        seen: list[Bubble] = []

        async def is_so() -> bool:
            try:
                seen[:] = await self.bubbles()
            except (StaleElementReferenceException, WebDriverException):
                return False
            return [b.text for b in seen] == texts and all(b.is_settled for b in seen)

        try:
            await until(is_so, f"the screen shows {texts}")
        except BaseException as failure:
            failure.add_note(f"screen: {seen}")
            raise

    async def session_id(self) -> str:
        async def kept() -> str | None:
            found: str | None = await self.script("return localStorage.getItem('leflux:sessionId')")
            return found

        return await until(kept, "a session id is kept")
