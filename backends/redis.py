"""Redis, or a compatible server: alone, behind Sentinel, or a cluster. The choice for several processes.

What is acknowledged is as durable as the server's `appendfsync` makes it, and nothing may be evicted from it
(`maxmemory-policy noeviction`): `docs/decisions/redis.md`.
"""

from backends import StoreSettings
from backends.base import MessageLog, SessionStore, SettingsStore
from backends.redis_connect import connect
from backends.redis_index import Index
from backends.redis_keys import Keys
from backends.redis_link import Link
from backends.redis_log import RedisLog
from backends.redis_outbox import Delivery, Outbox
from backends.redis_script import Command
from backends.redis_sessions import RedisSessions
from backends.redis_settings import RedisSettings


async def open(settings: StoreSettings, log_shares_store: bool) -> "RedisStorage":  # noqa: A001 - the protocol's name
    """Connect. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    keys = Keys(settings.redis.prefix)
    nodes = await connect(settings.redis.url, settings.deadline)
    return RedisStorage(Link(nodes, settings.deadline), keys, log_shares_store)


class RedisStorage:
    """The bundle; any number of processes may share one Redis."""

    def __init__(self, link: Link, keys: Keys, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        self._link = link
        self._keys = keys
        index = Index(link, keys)
        outbox = Outbox(link, keys, index)
        log = RedisLog(link, keys)
        self._delivery = log.delivery = Delivery(outbox, log.append) if log_shares_store else None
        self.log: MessageLog = log
        self.sessions: SessionStore = RedisSessions(link, keys, index, outbox, self._delivery)
        self.settings: SettingsStore = RedisSettings(link, keys)

    async def ping(self) -> None:
        # A read of a key of ours, not PING: it shows on a cluster that the slots are served.
        sites = self._keys.sites()
        await self._link.one(Command(sites, ("SCARD", sites)))

    async def close(self) -> None:
        if self._delivery is not None:
            await self._delivery.close()
        await self._link.close()
