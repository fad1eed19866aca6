"""Deletes from the log what a site's owner does not want kept, a few conversations at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from backends.base import Storage
from backends.errors import StorageError
from backends.records import AuditEntry, LogCount

log = structlog.get_logger(__name__)

INTERVAL = 300.0
BATCH = 25
# The store belongs to the visitors: between two batches it has time for them.
BREATH = 0.05
DAY_MS = 86_400_000
ACTOR = "retention rule"


class Retention:
    """`days()`: how long each site's log is kept, of the sites that limit it. Runs every `interval` seconds.

    Several processes may do this at once: each conversation is deleted once.
    """

    def __init__(self, storage: Storage, days: Callable[[], Mapping[str, int]], interval: float = INTERVAL) -> None:
        self._storage = storage
        self._days = days
        self._interval = interval
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._forever(), name="retention")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hurry(self) -> None:
        """A rule has changed: look now."""
        self._hurry.set()

    async def _forever(self) -> None:
        while True:
            self._hurry.clear()
            try:
                await self.run()
            except StorageError as error:
                log.warning("store does not answer", job="retention", error=str(error))
            except Exception:
                log.exception("retention failed")
            try:
                async with asyncio.timeout(self._interval):
                    await self._hurry.wait()
            except TimeoutError:
                pass

    async def run(self) -> None:
        """Delete what is too old now, of every site."""
        for site_id in list(self._days()):
            deleted = await self._shorten(site_id)
            if deleted.sessions:
                details = {"sessions": deleted.sessions, "messages": deleted.messages}
                await self._storage.settings.audit(site_id, AuditEntry(ACTOR, "log.deleted", {**details}))

    async def _shorten(self, site_id: str) -> LogCount:
        sessions = messages = 0
        # Asked again for each batch: an owner who takes the rule back is heard at once.
        while (days := self._days().get(site_id)) is not None:
            before = round(time.time() * 1000) - days * DAY_MS
            deleted = await self._storage.log.delete_older(site_id, before, BATCH)
            if not deleted.sessions:
                break
            sessions, messages = sessions + deleted.sessions, messages + deleted.messages
            await asyncio.sleep(BREATH)
        return LogCount(sessions, messages)
