"""A visitor who lets the agent book a demo, and a page that reloads at a chosen moment of it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from playwright.async_api import BrowserContext, Error, Locator, expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop, visit
from tests.browser.shop import Shop
from tests.services.wait import until

STEPS = 11
LEAVING = (1, 6, 10, 11)
DONE = "Your demo is booked, Ada Lovelace."
ABORTED = "aborted"
ANSWERS = ["Ada Lovelace", "ada@example.com", "+44 20 7946 0000"]
AGENT = {"kind": "playbook", "playbook": {"path": "config/playbook.yaml"}}

# A page that is `stuck` asks for the step, but nobody hears it: it stays where it is until the test moves it.
# Steps are counted by the order in which the page asks for them; the count outlives the page, as does the list of what
# the agent has clicked: the visitor's own clicks are trusted events, and a link is how a navigate goes.
_RELOAD_ONCE = """({moment, number}) => {
  const seen = () => JSON.parse(sessionStorage.getItem('test:seen') ?? '[]');
  const index = (id) => {
    const ids = seen();
    if (!ids.includes(id)) sessionStorage.setItem('test:seen', JSON.stringify([...ids, id]));
    return seen().indexOf(id) + 1;
  };
  const isDue = (at, now) => at === number && now === moment && sessionStorage.getItem('test:fired') === null;
  const isStuck = (at) => moment === 'stuck' && at >= number;
  const fire = () => { sessionStorage.setItem('test:fired', '1'); location.reload(); };
  if (isDue(seen().length, 'after')) fire();
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (/"sequence_complete"/.test(data) && isDue(seen().length, 'end')) return fire();
    const report = /"(action_started|action_complete)".*"actionId":"([^"]+)"/.exec(data);
    if (report !== null && isStuck(index(report[2]))) return;
    const now = report?.[1] === 'action_started' ? 'before' : 'after';
    if (report !== null && isDue(index(report[2]), now)) return fire();
    return send.call(this, data);
  };
  document.addEventListener('click', ({target, isTrusted}) => {
    if (isTrusted || target.closest('a')) return;
    const clicks = JSON.parse(sessionStorage.getItem('test:clicks') ?? '[]');
    sessionStorage.setItem('test:clicks', JSON.stringify([...clicks, target.value || target.textContent.trim()]));
  }, true);
  addEventListener('leflux:action', ({detail}) => { if (isDue(index(detail.step.id), 'during')) fire(); });
}"""


class Booking:
    """`shop` with the playbook, and the visitor's chat."""

    def __init__(self, shop: Shop, chat: Chat) -> None:
        self.shop = shop
        self.chat = chat
        # How often the visitor has had a click repeated.
        self.repeats = 0

    async def begin(self, wish: str = "Please book a demo", answers: Sequence[str] = ANSWERS) -> None:
        """Ask for it, tell who one is, and agree, which only a booking asks for."""
        await self.chat.say(wish)
        for count, answer in enumerate(answers, 1):
            await self._asked(count)
            await self.chat.say(answer)
        if answers is ANSWERS:
            await self.agree()

    async def agree(self) -> None:
        """Press the first button of what is asked."""
        await self.card().get_by_role("button").first.click()

    async def _asked(self, count: int) -> None:
        async def is_asked() -> bool:
            return sum(bubble.kind == "question" for bubble in await self.chat.bubbles()) >= count

        await until(is_asked, f"question {count} is asked")

    def card(self) -> Locator:
        """What the visitor is asked with buttons."""
        return self.chat.page.locator("leflux-widget .card[role=group]").first

    async def step(self, number: int) -> None:
        """Wait until the page has asked for step `number`."""

        async def is_there() -> bool:
            return len(json.loads(await self._session("test:seen") or "[]")) >= number

        await until(patient(is_there), f"step {number} has begun", 30)

    async def _session(self, key: str) -> str | None:
        found: str | None = await self.chat.page.evaluate("key => sessionStorage.getItem(key)", key)
        return found

    async def reloaded(self) -> bool:
        return await self._session("test:fired") is not None

    async def ends(self, text: str, yes: bool = True) -> None:
        """Wait for the last word; whatever is asked with buttons is answered by the first one, or by the second."""

        async def is_over() -> bool:
            if any(text in bubble.text for bubble in await self.chat.bubbles()):
                return True
            if await self.card().is_visible():
                button = self.card().get_by_role("button").nth(0 if yes else 1)
                called = await button.text_content(timeout=2_000)
                await button.click(timeout=2_000)
                self.repeats += called == "Click again"
            return False

        await until(patient(is_over), f"{text!r} is said", 60)

    async def clicks(self) -> list[str]:
        """What the agent has clicked, links aside, in order."""
        found: list[str] = json.loads(await self._session("test:clicks") or "[]")
        return found

    async def submissions(self) -> list[Any]:
        return [entry["fields"] for entry in await self.shop.submissions() if entry["form"] == "booking"]


def patient(condition: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """A page that is being replaced cannot be read; the next look will."""

    async def look() -> bool:
        try:
            return await condition()
        except Error:
            return False

    return look


async def open_booking(
    open_shop: OpenShop,
    context: BrowserContext,
    moment: str = "never",
    number: int = 0,
    agent: dict[str, Any] | None = None,
    **session: str,
) -> Booking:
    """The demo shop with the playbook, or another agent; its page reloads once, at `moment` of step `number`.

    At the moment `stuck` it comes no further than that step instead.
    """
    shop = await open_shop(agent=agent or AGENT, session=session)
    await context.add_init_script(f"({_RELOAD_ONCE})({json.dumps({'moment': moment, 'number': number})})")
    chat = await visit(context, shop.home)
    await expect(chat.input).to_be_enabled()
    return Booking(shop, chat)
