"""The dashboard over state in Redis and a log in Firestore: the same pages, the same answers."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import BrowserContext, expect

from backends import StoreSettings, open_storage
from tests.browser.chat import Chat
from tests.browser.dashboard import SITE, Desk, Owner, seed
from tests.conftest import Services
from tests.contract.backends import BACKENDS, Place
from tests.services import free_port
from tests.services.config import write_config
from tests.services.server import ServerProcess
from tests.services.wait import until

PAGES = ["", "/conversations", "/analytics"]
PAGES += [
    f"/settings/{name}" for name in ("privacy", "appearance", "install", "knowledge", "answers", "playbooks", "audit")
]


async def test_state_in_redis_and_log_in_firestore(
    tmp_path: Path, services: Services, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = uuid4().hex[:12]
    environment: dict[str, str] = {}
    settings: list[StoreSettings] = []
    for name in ("redis", "firestore"):
        backend = BACKENDS[name]
        assert backend.service is not None
        assert backend.settings is not None
        place = Place(tmp_path, tag, services.get(backend.service))
        settings.append(backend.settings(place, "state"))
        environment |= backend.environment(place)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    storage = await open_storage(*settings)
    try:
        sessions = await seed(storage)
    finally:
        await storage.close()
    port = free_port()
    config = write_config(
        tmp_path, settings[0], port, message_log=settings[1].section(), crawler={"private_hosts": ["127.0.0.1"]}
    )
    async with ServerProcess(config, port, environment) as server:
        await look_around(Desk(server, sessions), context)


async def look_around(desk: Desk, context: BrowserContext) -> None:
    shop = await context.new_page()
    await shop.goto(f"{desk.server.base}/demo/")
    await (await Chat(shop).open()).ask("Is the workshop open today?")
    tab = await desk.owner(context, f"{SITE}/conversations?q=workshop+op")
    link = tab.page.get_by_role("link", name="Is the workshop open today?")

    async def is_listed() -> bool:
        await tab.page.reload()
        await expect(tab.page.locator(".skeleton")).to_have_count(0)
        return await link.count() == 1

    await until(is_listed, "the log, which follows the sessions, has it")
    await link.click()
    await expect(tab.page.locator(".bubble")).to_have_count(2)
    await tab.page.get_by_role("button", name="Delete").click()
    await tab.page.get_by_role("button", name="Delete for good").click()
    await tab.shows("Conversation deleted")
    await tab.go(f"{SITE}/conversations?q=showroom+hamb")
    await expect(tab.page.locator(".sessions li")).to_have_count(1)
    await change_settings(tab)
    for page in PAGES:
        await tab.go(SITE + page)
        await expect(tab.title).to_be_visible()
        await expect(tab.page.locator(".skeleton")).to_have_count(0)
        await expect(tab.page.get_by_text("This could not be loaded")).to_have_count(0)
    await expect(tab.page.locator(".trail li")).to_have_count(6)
    assert tab.wrong == []


async def change_settings(tab: Owner) -> None:
    """A rule, the appearance and the knowledge: each is written by its page and read again."""
    save = tab.page.get_by_role("button", name="Save", exact=True)
    for path, label, value in (("privacy", "On the server, when idle", "15"), ("appearance", "Title", "The workshop")):
        await tab.go(f"{SITE}/settings/{path}")
        field = tab.page.get_by_label(label, exact=True)
        await field.fill(value)
        await save.click()
        await expect(tab.toast).to_contain_text("Saved.")
        await tab.page.reload()
        await expect(field).to_have_value(value)
    await tab.go(f"{SITE}/settings/knowledge")
    await tab.page.get_by_label("Start at").fill(f"{tab.base}/demo/")
    await tab.page.get_by_role("button", name="Read the site").click()
    await expect(tab.page.locator(".state-word")).to_have_text("done")
