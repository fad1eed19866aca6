"""The processes that answer, by their heartbeats (S28)."""

from backends.redis.errors import is_broken
from backends.redis.index import SessionIndex
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import LuaScript

_HEARTBEAT, _DEAD, _SETTLE = LuaScript("heartbeat"), LuaScript("dead"), LuaScript("settle")
_UNLEASE = LuaScript("unlease", "session")
CHUNK = 500


class RedisWorkers:
    """Keeps the list of workers, and drops the leases of those that are dead."""

    def __init__(self, client: RedisClient, keys: Keys, index: SessionIndex) -> None:
        self._client = client
        self._keys = keys
        self._index = index

    async def heartbeat(self, worker: str, seconds: float) -> None:
        await self._client.one(_HEARTBEAT((self._keys.workers(),), worker, int(seconds * 1000)))

    async def free_dead(self) -> None:
        """Drop the leases of dead workers. A worker leaves the list last, so a failure in between is made good."""
        key = self._keys.workers()
        flat = await self._client.one(_DEAD((key,)))
        for worker, ran_out in zip(flat[::2], flat[1::2], strict=True):
            for site_id in await self._index.sites():
                await self._free(site_id, worker.decode())
            await self._client.one(_SETTLE((key,), worker, ran_out, ""))

    async def _free(self, site_id: str, worker: str) -> None:
        session_ids = await self._index.at_work(site_id)
        for first in range(0, len(session_ids), CHUNK):
            some = session_ids[first : first + CHUNK]
            replies = await self._client.each(
                [_UNLEASE(self._keys.session(site_id, session_id), site_id, 0, worker) for session_id in some]
            )
            for session_id, reply in zip(some, replies, strict=True):
                if not is_broken(reply) and reply[1]:
                    hint = self._index.hint(site_id, session_id, lines=False, work=True)
                    assert hint is not None
                    await self._client.settled(hint)
