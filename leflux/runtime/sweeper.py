"""The slow timer: evicts idle sessions, ends overdue tasks, answers open questions, drains outbox and deletions."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from backends.base import Storage
from backends.clock import CLOCK
from backends.errors import StorageError
from backends.records import Deletion, LogEntry
from leflux.agents.answering import Answering
from leflux.chat.conversation_events import ConversationEvents
from leflux.chat.erasure import carry_deletions
from leflux.tasks.engine import TaskEngine

log = structlog.get_logger(__name__)

SWEEP_LIMIT = 200
OUTBOX_BATCH = 200
DELETIONS = 50
MAX_PAUSE = 5.0
# The pages of tasks that became overdue while no server ran have this long to come back.
GRACE = 3.0


class SweepRules(Protocol):
    """Of the sites, in seconds: when a session is idle, and how long a browser may hold a message (S25)."""

    def idle_ttls(self) -> Mapping[str, float]: ...
    def longest_client_ttl(self) -> float: ...


class Sweeper:
    """`interval` in seconds.

    Several processes may sweep one store; whatever is done twice does no harm.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        rules: SweepRules,
        answering: Answering,
        tasks: TaskEngine,
        expired: Callable[[str], Awaitable[None]],
        interval: float,
        events: ConversationEvents | None = None,
    ) -> None:
        self._storage = storage
        self._rules = rules
        self._answering = answering
        self._task_engine = tasks
        self._expired = expired
        self._interval = interval
        self._events = events
        self._tasks: list[asyncio.Task[None]] = []
        self._deletions: set[Deletion] = set()
        self._settled_at = 0.0

    def start(self) -> None:
        self._settled_at = time.monotonic() + GRACE
        jobs = [self.sweep, self.carry] if self._storage.log_shares_store else [self.sweep, self.carry, self.drain]
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
            # The jitter spreads the sweeps of several processes.
            await asyncio.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - no secret

    async def sweep(self) -> bool:
        """One pass over what is due. True when there is likely more."""
        if jump := CLOCK.wall_jump():
            log.warning("the wall clock was set; sessions, leases and deadlines do not follow it", seconds=round(jump))
        rules = self._rules
        swept = await self._storage.sessions.sweep(rules.idle_ttls(), SWEEP_LIMIT, rules.longest_client_ttl())
        for name in swept.evicted:
            await self._expired(name.session_id)
        for name in swept.overdue if time.monotonic() >= self._settled_at else ():
            await self._task_engine.expire(name.site_id, name.session_id)
        for name in swept.orphaned:
            self._answering.wake(name.site_id, name.session_id)
        return len(swept.evicted) >= SWEEP_LIMIT

    async def carry(self) -> bool:
        """Do what is left of deletions that were accepted while a store was away. True when there is likely more."""
        return await carry_deletions(self._storage, DELETIONS, self._deletions, self._events)

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


def sweep_interval(idle_ttls: Iterable[float]) -> float:
    """Seconds between two sweeps: often enough for the shortest idle time and for questions that a crash left open."""
    return max(0.2, min(1.0, *(idle_ttl / 5 for idle_ttl in idle_ttls)))
