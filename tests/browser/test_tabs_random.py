"""Whatever a visitor does in up to three tabs: at the end all of them and the store are equal, and nothing is lost."""

import asyncio
from random import Random

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.chat import Bubble, Chat
from tests.browser.conftest import OpenShop
from tests.browser.shop import Shop
from tests.browser.tabs import shows_nothing
from tests.services.wait import until


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


MOST_TABS = 3
SHORT, FULL = 60, 200
WEIGHTS = {"send": 10, "open": 3, "close": 3, "reload": 4, "clear": 1, "leave": 1, "kill": 1, "tab": 3}


class Visitor:
    """Up to three tabs, the operations so far, and what was said since the conversation was last cleared."""

    def __init__(self, shop: Shop, context: BrowserContext, random: Random) -> None:
        self.shop = shop
        self.context = context
        self.random = random
        self.chats: list[Chat] = []
        self.said: list[str] = []
        self.done: list[str] = []
        self._count = 0
        self._crashed: list[Page] = []

    async def step(self) -> None:
        if not self.chats:
            await self._new_tab()
        name = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        number = self.random.randrange(len(self.chats))
        self.done.append(f"{name} {number}")
        chat = self.chats[number]
        if name == "tab":
            await self._new_tab()
        elif name == "send":
            await self._send(chat)
        elif name == "clear":
            await self._clear(chat)
        elif name == "reload":
            await chat.page.reload(wait_until="commit")
            await self._is_there(chat.page)
        elif name == "leave":
            self.chats.remove(chat)
            await chat.page.close()
        elif name == "kill":
            await self._kill(chat.page)
        else:
            await chat.page.evaluate(f"LeFlux.{name}()")

    async def _new_tab(self) -> None:
        if len(self.chats) == MOST_TABS:
            return
        self.done.append("new tab")
        page = await self.context.new_page()
        await page.goto(self.shop.home, wait_until="commit")
        await self._is_there(page)
        page.on("crash", lambda crashed: self._crashed.append(crashed))
        self.chats.append(Chat(page))

    async def _is_there(self, page: Page) -> None:
        await until(lambda: page.evaluate("window.LeFlux !== undefined"), "the chat is there")

    async def _send(self, chat: Chat) -> None:
        self._count += 1
        text = f"message {self._count}"
        # A tab that another one has just taken over takes nothing for a moment.
        await until(lambda: chat.page.evaluate("text => LeFlux.send(text)", text), f"{text} is taken")
        self.said.append(text)

    async def _clear(self, chat: Chat) -> None:
        await chat.page.evaluate("LeFlux.clearConversation()")
        self.said.clear()
        for other in self.chats:
            await shows_nothing(other)

    async def _kill(self, page: Page) -> None:
        devtools = await self.context.new_cdp_session(page)
        async with page.expect_event("crash"):
            # It is never answered: the page that would is gone.
            crashing = asyncio.ensure_future(devtools.send("Page.crash"))
        crashing.cancel()
        # Tabs may share a process, and then die together.
        self.chats = [chat for chat in self.chats if chat.page not in self._crashed]
        while self._crashed:
            await self._crashed.pop().close()

    async def look(self, chat: Chat) -> tuple[list[Bubble], object]:
        """For whoever reads of a failure."""
        return await chat.bubbles(), await chat.page.evaluate("[LeFlux.getState(), { ...localStorage }]")

    async def is_of_one_mind(self) -> None:
        """One last message in every tab, after which all of them and the store are to be equal."""
        while len(self.chats) < MOST_TABS:
            await self._new_tab()
        for chat in self.chats:
            await self._send(chat)
        screens = [await self.shop.agrees(chat, 2 * len(self.said)) for chat in self.chats]
        assert all(screen == screens[0] for screen in screens)
        assert len({await chat.session_id() for chat in self.chats}) == 1
        assert sorted(b.text for b in screens[0] if b.role == "visitor") == sorted(self.said)


async def wander(open_shop: OpenShop, context: BrowserContext, seed: int, steps: int) -> None:
    shop = await open_shop(session={"takeover_read_only": "100ms"})
    visitor = Visitor(shop, context, Random(seed))
    try:
        for _ in range(steps):
            await visitor.step()
        await visitor.is_of_one_mind()
    except BaseException as failure:
        failure.add_note(f"seed {seed}: {', '.join(visitor.done)}\nsaid: {visitor.said}")
        failure.add_note(f"tabs: {[await visitor.look(chat) for chat in visitor.chats]}")
        raise


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(1, 3))
async def test_random_operations_leave_tabs_and_store_equal(
    open_shop: OpenShop, context: BrowserContext, seed: int
) -> None:
    await wander(open_shop, context, seed, SHORT)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(100, 120))
async def test_many_random_operations_leave_tabs_and_store_equal(
    open_shop: OpenShop, context: BrowserContext, seed: int
) -> None:
    await wander(open_shop, context, seed, FULL)
