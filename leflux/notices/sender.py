"""The loop that delivers: it lists what waits, and runs each endpoint's attempts beside the others'."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

import structlog

from backends.clock import now_ms
from backends.errors import StorageError
from leflux.notices.attempts import Attempts
from leflux.notices.history import DeliveryHistory
from leflux.notices.lease import SenderLease
from leflux.notices.outbox import NoticeName, NoticeOutbox
from leflux.owner.notice_rules import Endpoint, NoticeRules

log = structlog.get_logger(__name__)

IDLE, BUSY, SOONEST = 5.0, 2.0, 0.05
"""Seconds between two listings: while nothing waits, while something does, and at least."""
MOST_WAITING = 20_000
"""Notices for one endpoint; beyond it the endpoint is switched off."""
TOO_MANY = f"more than {MOST_WAITING} notices waited"

Queue = dict[str, list[NoticeName]]
"""The waiting notices of one endpoint, by conversation, in order."""


class NoticeSender:
    """Every process has one; the one with the lease delivers."""

    def __init__(
        self,
        *,
        outbox: NoticeOutbox,
        rules: NoticeRules,
        lease: SenderLease,
        attempts: Attempts,
        history: DeliveryHistory,
    ) -> None:
        self._outbox = outbox
        self._rules = rules
        self._lease = lease
        self._attempts = attempts
        self._history = history
        self._hurry = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._enabled: dict[str, bool] = {}
        self.waiting = 0

    def start(self) -> None:
        self._loop = asyncio.create_task(self._forever(), name="notices")

    async def stop(self) -> None:
        """Attempts that run are broken off: they are repeated."""
        tasks = [task for task in (self._loop, *self._running.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._history.flush()
            await self._lease.release()
        except StorageError as error:
            log.warning("store does not answer", job="notices", error=str(error))

    def hurry(self) -> None:
        """Something new waits."""
        self._hurry.set()

    def look_again(self) -> None:
        """An owner has asked for a retry."""
        self._attempts.look_again()
        self._hurry.set()

    async def _forever(self) -> None:
        while True:
            pause = IDLE
            try:
                pause = await self.look()
            except StorageError as error:
                log.warning("store does not answer", job="notices", error=str(error))
            except Exception:
                log.exception("job failed", job="notices")
            try:
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(SOONEST)
            self._hurry.clear()

    async def look(self) -> float:
        """Begin the attempts that are due; returns the seconds until the next look."""
        if not self._rules.is_used:
            return IDLE
        await self._history.flush()
        names = await self._outbox.names()
        self.waiting = len(names)
        if not names:
            await self._lease.release()
            return IDLE
        if not await self._lease.take():
            return BUSY
        self._attempts.keep_only(set(names))
        queues = _by_receiver(names)
        for key, queue in queues.items():
            await self._begin(*key, queue)
        return self._pause(queues.values())

    def _pause(self, queues: Iterable[Queue]) -> float:
        """Until something is due. What is due now runs, or waits for the end of its endpoint's pass."""
        now = now_ms()
        due = (self._attempts.due(names) for queue in queues for names in queue.values())
        soonest = min((time for time in due if time > now), default=now + 60_000)
        return max(SOONEST, min(BUSY, (soonest - now) / 1000))

    async def _begin(self, site_id: str, receiver: str, queue: Queue) -> None:
        endpoint = self._rules.site(site_id).receiver(receiver)
        count = sum(map(len, queue.values()))
        if endpoint is None:
            await self._outbox.remove_all(name for names in queue.values() for name in names)
            return
        if count > MOST_WAITING and endpoint.enabled:
            log.warning("a webhook is switched off", site=site_id, endpoint=receiver, reason=TOO_MANY)
            await self._rules.switch_off(site_id, receiver, TOO_MANY)
        self._noticed(endpoint)
        now = now_ms()
        is_due = any(self._attempts.due(names) <= now for names in queue.values())
        if is_due and (site_id, receiver) not in self._running:
            task = asyncio.create_task(self._pass(site_id, endpoint, queue), name=f"notices for {receiver}")
            self._running[site_id, receiver] = task

    def _noticed(self, endpoint: Endpoint) -> None:
        """An endpoint that was switched on again gets at once what waits for it."""
        if endpoint.enabled and not self._enabled.get(endpoint.id, True):
            self._attempts.look_again(endpoint.id)
        self._enabled[endpoint.id] = endpoint.enabled

    async def _pass(self, site_id: str, endpoint: Endpoint, queue: Queue) -> None:
        try:
            await self._attempts.deliver(endpoint, queue)
        except* StorageError as errors:
            log.warning("store does not answer", job="notices", error=str(errors.exceptions[0]))
        except* Exception:
            log.exception("job failed", job="notices")
        else:
            self._hurry.set()
        finally:
            self._running.pop((site_id, endpoint.id), None)


def _by_receiver(names: Sequence[NoticeName]) -> dict[tuple[str, str], Queue]:
    """By site and receiver. `names` are sorted."""
    found: defaultdict[tuple[str, str], Queue] = defaultdict(dict)
    for name in names:
        found[name.site_id, name.receiver].setdefault(name.conversation_id, []).append(name)
    return found
