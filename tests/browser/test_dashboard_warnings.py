"""A store that may lose messages is told of in the dashboard, to an owner who sees every site."""

from pathlib import Path

from playwright.async_api import BrowserContext, expect

from backends import StoreSettings, open_storage
from backends.redis import RedisSettings
from leflux.owner.accounts import EVERY_SITE, Accounts
from tests.browser.dashboard import EMAIL, PASSWORD, Desk
from tests.services import free_port
from tests.services.config import write_config
from tests.services.redis import redis
from tests.services.server import ServerProcess
from tests.services.wait import until


async def test_a_redis_that_drops_keys_is_told_on_every_page(tmp_path: Path, context: BrowserContext) -> None:
    with redis() as server:
        assert server.ask(b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru") == b"+OK"
        store = StoreSettings("redis", RedisSettings(server.url))
        storage = await open_storage(store)
        try:
            await Accounts(storage.settings).set_account(EMAIL, [EVERY_SITE], PASSWORD)
        finally:
            await storage.close()
        port = free_port()
        async with ServerProcess(write_config(tmp_path, store, port), port) as process:
            tab = await Desk(process, {}).owner(context)
            warning = tab.page.get_by_role("status").filter(has_text="The store needs attention")

            async def is_told() -> bool:
                await tab.page.reload()
                await tab.shows("Overview")
                return await warning.is_visible()

            await until(is_told, "the store has been looked at")
            await expect(warning).to_contain_text("maxmemory-policy is allkeys-lru")
            assert tab.wrong == []
