"""Deletes from the log what a site's owner does not want kept, a few conversations at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping

from backends.base import Storage
from backends.records import AuditEntry, LogCount
from leflux.common.recurring import Recurring

INTERVAL = 300.0
BATCH = 25
# The store belongs to the visitors: between two batches it has time for them.
BREATH = 0.05
DAY_MS = 86_400_000
ACTOR = "retention rule"


class RetentionWorker(Recurring):
    """`days()`: how long each site's log is kept, of the sites that limit it. Runs every `interval` seconds.

    Several processes may do this at once: each conversation is deleted once.
    """

    def __init__(self, storage: Storage, days: Callable[[], Mapping[str, int]], interval: float = INTERVAL) -> None:
        super().__init__("retention", self.run, interval)
        self._storage = storage
        self._days = days
        self.hurry()

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
