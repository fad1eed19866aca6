"""Redis, or a compatible server: alone, behind Sentinel, or a cluster. The choice for several processes.

What is acknowledged is as durable as the server's `appendfsync` makes it, and nothing may be evicted from it
(`maxmemory-policy noeviction`): `docs/decisions/redis.md`.
"""

from backends.base import MessageLog, SessionStore, SettingsStore
from backends.redis import RedisSettings
from backends.redis.connect import connect
from backends.redis.index import SessionIndex
from backends.redis.keys import Keys
from backends.redis.log import RedisLog
from backends.redis.node_pipeline import RedisClient
from backends.redis.outbox import Delivery, RedisOutbox
from backends.redis.script import Command
from backends.redis.sessions import RedisSessions
from backends.redis.settings import RedisSettingsStore


async def open_store(options: RedisSettings, deadline: float, log_shares_store: bool) -> "RedisStorage":
    """Connect. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    keys = Keys(options.prefix)
    nodes = await connect(options.url, deadline)
    client = RedisClient(nodes, deadline, options.wait_replicas)
    return RedisStorage(client, keys, log_shares_store)


class RedisStorage:
    """The bundle; any number of processes may share one Redis."""

    def __init__(self, client: RedisClient, keys: Keys, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        self._client = client
        self._keys = keys
        index = SessionIndex(client, keys)
        outbox = RedisOutbox(client, keys, index)
        log = RedisLog(client, keys)
        self._delivery = log.delivery = Delivery(outbox, log.append) if log_shares_store else None
        self.log: MessageLog = log
        self.sessions: SessionStore = RedisSessions(client, keys, index, outbox, self._delivery)
        self.settings: SettingsStore = RedisSettingsStore(client, keys)

    async def ping(self) -> None:
        # A write, not PING: it fails on a server whose memory is full, and on a cluster that does not serve the slot.
        key = self._keys.ping()
        await self._client.one(Command(key, ("SET", key, "1", "PX", "1000")))

    async def close(self) -> None:
        if self._delivery is not None:
            await self._delivery.close()
        await self._client.close()
