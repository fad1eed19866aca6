"""A reload of the page, or a crash of the server, at every moment of every kind of step: one order, and no question."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import BrowserContext

from tests.browser.booking import patient
from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop
from tests.browser.forms_site import forms_site
from tests.browser.shop import Shop
from tests.browser.test_view_hosts import opened
from tests.services.wait import until

STEPS: list[dict[str, Any]] = [
    {"action": "type", "target": {"label": "Name"}, "value": "Ada"},
    {"action": "select", "target": {"label": "Size"}, "value": "Large"},
    {"action": "click", "target": {"name": "Gift"}},
    {"action": "navigate", "url": "/form/confirm"},
    {"action": "click", "target": {"name": "Send"}},
]
MOMENTS = ("before", "during", "after")
CASES = [(fault, moment, number) for fault in ("reload", "kill") for moment in MOMENTS for number in range(1, 6)]
# The fault happens once, when the step `number` is asked for (`before`), is about to run, or is reported (`after`).
FAULTS = """({fault, moment, number}) => {
  const index = (id) => {
    const ids = JSON.parse(sessionStorage.getItem('test:ids') ?? '[]');
    if (!ids.includes(id)) sessionStorage.setItem('test:ids', JSON.stringify(ids.concat(id)));
    return ids.includes(id) ? ids.indexOf(id) + 1 : ids.length + 1;
  };
  const isDue = (id, now) => index(id) === number && now === moment && !sessionStorage.getItem('test:fired');
  const fire = () => {
    sessionStorage.setItem('test:fired', '1');
    if (fault === 'kill') kill(); else location.reload();
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const report = /"(action_started|action_complete)".*"actionId":"([^"]+)"/.exec(data);
    if (report && isDue(report[2], report[1] === 'action_started' ? 'before' : 'after')) {
      fire();
      if (fault === 'reload') return;
    }
    return send.call(this, data);
  };
  addEventListener('leflux:action', ({detail}) => { if (isDue(detail.step.id, 'during')) fire(); });
}"""


def agent(folder: Path) -> dict[str, Any]:
    task = {"id": "order", "match": ["order it"], "done": "Ordered: {page.status}.", "steps": STEPS}
    file = folder / "order.yaml"
    file.write_text(yaml.safe_dump({"tasks": [task]}))
    return {"kind": "playbook", "playbook": {"path": str(file)}}


async def is_ordered(chat: Chat) -> None:
    last: list[str] = []

    async def is_over() -> bool:
        last.append(await chat.page.locator("leflux-widget [part=panel]").inner_text())
        assert "Click again" not in last[-1], "asked about what the page knows"
        return "Ordered: Order 7." in last[-1]

    try:
        await until(patient(is_over), "it is ordered", 60)
    except BaseException as failure:
        failure.add_note(f"panel: {last[-1:]}")
        raise


async def ordered(shop: Shop, context: BrowserContext, fault: str, moment: str, number: int) -> None:
    async def kill(*_: Any) -> None:
        await shop.server.kill()
        await shop.server.start()

    async with forms_site(shop.base) as site:
        await context.expose_binding("kill", kill)
        case = json.dumps({"fault": fault, "moment": moment, "number": number})
        await context.add_init_script(f"({FAULTS})({case})")
        chat = await opened(context, f"{site.base}/form/order")
        await chat.say("order it")
        await is_ordered(chat)
        kept = await chat.page.evaluate("[sessionStorage.getItem('test:fired'), sessionStorage.getItem('gifts')]")
        assert (kept, site.sent) == (["1", "1"], ["ok"])


@pytest.mark.parametrize(
    ("fault", "moment", "number"),
    [("reload", "during", 5), ("reload", "after", 3), ("kill", "during", 3), ("kill", "after", 5)],
)
async def test_a_fault_in_mid_step_orders_once_and_asks_nothing(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path, fault: str, moment: str, number: int
) -> None:
    await ordered(await open_shop(agent=agent(tmp_path)), context, fault, moment, number)


@pytest.mark.soak
@pytest.mark.every_durable_store
@pytest.mark.parametrize("turn", range(6))
@pytest.mark.parametrize(("fault", "moment", "number"), CASES)
async def test_a_fault_at_any_moment_of_any_step_orders_once_and_asks_nothing(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path, fault: str, moment: str, number: int, turn: int
) -> None:
    """540 runs."""
    await ordered(await open_shop(agent=agent(tmp_path)), context, fault, moment, number)
