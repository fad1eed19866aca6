"""Real Chromium against a real server process. One browser for the whole run; a context, a server and data per test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, BrowserType

from backends import StoreSettings, open_storage
from backends.sqlite import SqliteSettings
from tests.browser.chat import Chat
from tests.browser.dashboard import Desk, seed
from tests.browser.shop import Shop
from tests.conftest import Services
from tests.contract.backends import BACKENDS, Place
from tests.services import free_port
from tests.services.chromium import LIMIT_MS, browser_type, shared_browser
from tests.services.config import write_config
from tests.services.proxy import Proxy
from tests.services.server import ServerProcess

HERE = Path(__file__).parent
# What a server can be told to use by YAML alone.
STORES = [name for name, backend in BACKENDS.items() if backend.settings is not None]
DURABLE = [name for name in STORES if BACKENDS[name].durable]
# A browser test is slow, so what has nothing to do with the store runs on one.
DEFAULT = "sqlite"
OpenShop = Callable[..., Awaitable[Shop]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one event loop, which the browser's driver belongs to."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`every_store` runs a test on each store, `every_durable_store` on those that outlive their server, and
    `every_store_under_soak` on the default one, and on the others under `soak`."""
    if "store" not in metafunc.fixturenames:
        return
    marks = {mark.name for mark in metafunc.definition.iter_markers()}
    if "every_store" in marks:
        metafunc.parametrize("store", STORES)
    elif "every_store_under_soak" in marks:
        others = [pytest.param(name, marks=pytest.mark.soak) for name in STORES if name != DEFAULT]
        metafunc.parametrize("store", [DEFAULT, *others])
    else:
        metafunc.parametrize("store", DURABLE if "every_durable_store" in marks else [DEFAULT])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[BrowserType]:
    async with browser_type() as kind:
        yield kind


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: BrowserType) -> AsyncIterator[Browser]:
    async with shared_browser(chromium) as shared:
        yield shared


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor with an empty browser."""
    fresh = await browser.new_context()
    fresh.set_default_timeout(LIMIT_MS)
    yield fresh
    await fresh.close()


def start(store: str, folder: Path, services: Services, **sections: Any) -> ServerProcess:
    """A server on `store` that keeps its data in `folder`; entering it starts it."""
    backend = BACKENDS[store]
    assert backend.settings is not None
    place = Place(folder, uuid4().hex[:12], services.get(backend.service) if backend.service else None)
    port = free_port()
    config = write_config(folder, backend.settings(place, "state"), port, **sections)
    return ServerProcess(config, port, backend.environment(place))


@pytest_asyncio.fixture(loop_scope="session")
async def open_shop(store: str, tmp_path: Path, services: Services) -> AsyncIterator[OpenShop]:
    """Start the shop with these sections of configuration, such as `session={"idle_ttl": "2s"}`."""
    async with AsyncExitStack() as stack:

        async def open_(**sections: Any) -> Shop:
            server = await stack.enter_async_context(start(store, tmp_path, services, **sections))
            return Shop(server, await stack.enter_async_context(Proxy(server.port)))

        yield open_


class SharedServers:
    """Servers that many tests use: one for each store and configuration, started when the first test asks."""

    def __init__(self, folder: Path, services: Services, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._services = services
        self._stack = stack
        self._running: dict[str, ServerProcess] = {}

    async def get(self, store: str, name: str, **sections: Any) -> ServerProcess:
        key = f"{name}-{store}"
        if key not in self._running:
            folder = self._folder / key
            folder.mkdir()
            self._running[key] = await self._stack.enter_async_context(start(store, folder, self._services, **sections))
        return self._running[key]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_servers(tmp_path_factory: pytest.TempPathFactory, services: Services) -> AsyncIterator[SharedServers]:
    async with AsyncExitStack() as stack:
        yield SharedServers(tmp_path_factory.mktemp("shared"), services, stack)


async def _shop(
    request: pytest.FixtureRequest, store: str, servers: SharedServers, open_shop: OpenShop, **sections: Any
) -> AsyncIterator[Shop]:
    """Without the mark `own_server`, on a server that other tests use too, behind a proxy of the test's own."""
    if request.node.get_closest_marker("own_server"):
        yield await open_shop(**sections)
        return
    server = await servers.get(store, "slow" if sections else "plain", **sections)
    async with Proxy(server.port) as proxy:
        yield Shop(server, proxy)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(
    request: pytest.FixtureRequest, store: str, shared_servers: SharedServers, open_shop: OpenShop
) -> AsyncIterator[Shop]:
    async for shop in _shop(request, store, shared_servers, open_shop):
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def slow_shop(
    request: pytest.FixtureRequest, store: str, shared_servers: SharedServers, open_shop: OpenShop
) -> AsyncIterator[Shop]:
    """Its agent takes its time over each word, so that a reply can be interrupted."""
    async for shop in _shop(request, store, shared_servers, open_shop, agent={"echo": {"delay": "50ms"}}):
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A shop whose owner may sign in, on SQLite, with conversations of the last weeks."""
    settings = StoreSettings(backend="sqlite", options=SqliteSettings(path=str(tmp_path / "leflux.db")))
    storage = await open_storage(settings)
    try:
        sessions = await seed(storage)
    finally:
        await storage.close()
    port = free_port()
    webhooks = {"private_hosts": ["127.0.0.1"], "first_retry": "60s"}
    config = write_config(tmp_path, settings, port, crawler={"private_hosts": ["127.0.0.1"]}, webhooks=webhooks)
    async with ServerProcess(config, port) as server:
        yield Desk(server, sessions)


async def visit(context: BrowserContext, url: str) -> Chat:
    """A new tab with the chat open."""
    page = await context.new_page()
    await page.goto(url)
    return await Chat(page).open()
