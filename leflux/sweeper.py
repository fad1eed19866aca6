"""The slow timer: evicts idle sessions, ends overdue tasks, takes up open turns, drains the outbox."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from backends.base import Storage
from backends.errors import StorageError
from leflux.tasks.engine import Tasks
from leflux.turns import Turns

log = structlog.get_logger(__name__)

SWEEP_LIMIT = 200
OUTBOX_BATCH = 200
MAX_PAUSE = 30.0


class Sweeper:
    """`interval` in seconds. Several processes may sweep one store; each deed is done once or harmless twice."""

    def __init__(
        self,
        storage: Storage,
        idle_ttls: Callable[[], Mapping[str, float]],
        turns: Turns,
        tasks: Tasks,
        expired: Callable[[str], Awaitable[None]],
        interval: float,
    ) -> None:
        self._storage = storage
        self._idle_ttls = idle_ttls
        self._turns = turns
        self._held = tasks
        self._expired = expired
        self._interval = interval
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        jobs = [self.sweep] if self._storage.log_shares_store else [self.sweep, self.drain]
        self._tasks = [asyncio.create_task(self._forever(job), name=job.__name__) for job in jobs]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forever(self, job: Callable[[], Awaitable[bool]]) -> None:
        pause = self._interval
        while True:
            try:
                more = await job()
                pause = 0.0 if more else self._interval
            except StorageError as error:
                pause = min(max(pause, self._interval) * 2, MAX_PAUSE)
                log.warning("store does not answer", job=job.__name__, error=str(error))
            except Exception:
                pause = MAX_PAUSE
                log.exception("job failed", job=job.__name__)
            await asyncio.sleep(pause)

    async def sweep(self) -> bool:
        """One pass over what is due. True when there is likely more."""
        swept = await self._storage.sessions.sweep(self._idle_ttls(), SWEEP_LIMIT)
        for name in swept.evicted:
            await self._expired(name.session_id)
        for name in swept.overdue:
            await self._held.expire(name.site_id, name.session_id)
        for name in swept.orphaned:
            self._turns.kick(name.site_id, name.session_id)
        return len(swept.evicted) >= SWEEP_LIMIT

    async def drain(self) -> bool:
        """Deliver waiting lines to the log: at least once, under ids that make it exactly once."""
        entries = await self._storage.sessions.outbox(OUTBOX_BATCH)
        if not entries:
            return False
        await self._storage.log.append(entries)
        await self._storage.sessions.outbox_done(entries)
        return True
