"""The slow timer: evicts idle sessions, ends overdue tasks, takes up open turns, drains the outbox."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from backends.base import Storage
from backends.errors import StorageError
from backends.records import LogEntry
from leflux.tasks.engine import Tasks
from leflux.turns import Turns

log = structlog.get_logger(__name__)

SWEEP_LIMIT = 200
OUTBOX_BATCH = 200
MAX_PAUSE = 5.0


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
            # Several processes take turns rather than do everything together.
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - no secret

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
        try:
            await self._deliver(entries)
        except StorageError:
            raise
        except Exception:
            return await self._deliver_each(entries)
        return True

    async def _deliver(self, entries: Sequence[LogEntry]) -> None:
        await self._storage.log.append(entries)
        await self._storage.sessions.outbox_done(entries)

    async def _deliver_each(self, entries: Sequence[LogEntry]) -> bool:
        """A line that the log cannot take must not hold up the others: it stays, and is tried again."""
        stuck = 0
        for entry in entries:
            try:
                await self._deliver([entry])
            except StorageError:
                raise
            except Exception:
                stuck += 1
                log.exception("a log line cannot be stored", session=entry.session_id[:8], seq=entry.seq)
        return stuck == 0
