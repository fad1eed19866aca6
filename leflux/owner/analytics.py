"""Counts that outlive the process: each process keeps a document of its own for every site and day, so that none waits
for another; days that are over are folded into one.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Literal
from uuid import uuid4

import msgspec
import structlog
from msgspec import Struct

from backends.base import SettingsStore
from backends.clock import utc_date
from backends.errors import StorageError, VersionConflict
from leflux.common.recurring import Recurring
from leflux.owner.day_counts import BUCKETS_MS, SiteDayCounts, total

Restore = Literal["full", "partial", "new"]
Outcome = Literal["done", "resumed", "aborted"]
log = structlog.get_logger(__name__)

FLUSH_EVERY = 5.0
FOLD_EVERY = 3600.0
_HOUR, _DAY = 3_600, 86_400
READS_AT_ONCE = 16
MAX_DAYS = 400


class _Folded(Struct, frozen=True):
    """A day that is over. `parts` are the documents that it already holds: whatever remains of them is not counted."""

    counts: SiteDayCounts = msgspec.field(name="tally")
    parts: list[str]


class Analytics(Recurring):
    """The counters of one process, and the counts of all. `clock` gives seconds since the epoch."""

    def __init__(self, store: SettingsStore, clock: Callable[[], float] = time.time) -> None:
        super().__init__("analytics", self._tend, FLUSH_EVERY)
        self._store = store
        self._clock = clock
        self._me = uuid4().hex[:12]
        self._counted: dict[tuple[str, str], SiteDayCounts] = {}
        self._changed: set[tuple[str, str]] = set()
        self._versions: dict[tuple[str, str], int] = {}
        self._fold_at = 0.0
        self._day_number, self._date = -1.0, ""
        self.hurry()

    def restored(self, site_id: str, how: Restore, milliseconds: float | None = None) -> None:
        counts = self._today(site_id)
        setattr(counts.restores, how, getattr(counts.restores, how) + 1)
        if milliseconds is not None:
            counts.restore_ms[bisect_left(BUCKETS_MS, milliseconds)] += 1

    def acted(self, site_id: str, how: Outcome) -> None:
        counts = self._today(site_id)
        setattr(counts.tasks, how, getattr(counts.tasks, how) + 1)

    def said(self, site_id: str, created: bool) -> None:
        """A visitor's message has come, for the first time or again."""
        counts = self._today(site_id)
        if created:
            counts.hours[int(self._clock() % _DAY // _HOUR)] += 1
        else:
            counts.duplicates += 1

    def missed(self, site_id: str) -> None:
        """A page lacked messages that it should have been sent, and got them now."""
        self._today(site_id).gaps += 1

    def _today(self, site_id: str) -> SiteDayCounts:
        now = self._clock()
        if now // _DAY != self._day_number:
            self._day_number, self._date = now // _DAY, utc_date(now)
        key = (site_id, self._date)
        self._changed.add(key)
        counts = self._counted.get(key)
        if counts is None:
            counts = self._counted[key] = SiteDayCounts()
        return counts

    async def stop(self) -> None:
        """Write down what was counted last; a store that is away loses it."""
        await super().stop()
        try:
            await self.flush()
        except StorageError as error:
            log.warning("the last counts are lost", error=str(error))

    async def _tend(self) -> None:
        await self.flush()
        if time.monotonic() >= self._fold_at:
            self._fold_at = time.monotonic() + FOLD_EVERY
            await self.fold()

    async def flush(self) -> None:
        """Store what has changed; a count is absolute, so that writing it twice does no harm."""
        for key in list(self._changed):
            self._changed.discard(key)
            try:
                await self._write(key)
            except StorageError:
                self._changed.add(key)
                raise
        today = utc_date(self._clock())
        for key in [key for key in self._counted if key[1] < today and key not in self._changed]:
            del self._counted[key]
            self._versions.pop(key, None)

    async def _write(self, key: tuple[str, str]) -> None:
        value = msgspec.json.encode(self._counted[key])
        name = _part(*key, self._me)
        try:
            stored = await self._store.put(name, value, self._versions.get(key, 0))
        except VersionConflict as conflict:
            # Nobody else writes here: a write that was thought lost has landed.
            stored = await self._store.put(name, value, conflict.current)
        self._versions[key] = stored.version

    async def days(self, site_id: str, first: str, last: str) -> dict[str, SiteDayCounts]:
        """The counts of each day from `first` to `last` (`YYYY-MM-DD`, both included) on which there were any."""
        await self.flush()
        names = await self._store.names(f"counts/{site_id}/")
        dates = sorted({date for date in (name.split("/")[2] for name in names) if first <= date <= last})
        parts = {date: [name for name in names if name.startswith(f"counts/{site_id}/{date}/")] for date in dates}
        found: dict[str, SiteDayCounts] = {}
        for start in range(0, len(dates), READS_AT_ONCE):
            batch = dates[start : start + READS_AT_ONCE]
            read = await asyncio.gather(*(self._day(site_id, date, parts[date]) for date in batch))
            found |= dict(zip(batch, read, strict=True))
        return found

    async def _day(self, site_id: str, date: str, parts: list[str]) -> SiteDayCounts:
        # Parts first: one that is folded meanwhile is named by the day that is read afterwards.
        read = await self._read_parts(parts)
        folded = await self._folded(site_id, date)
        counted = [counts for name, counts in read.items() if name not in folded[0].parts]
        return total([folded[0].counts, *counted])

    async def _read_parts(self, names: list[str]) -> dict[str, SiteDayCounts]:
        found: dict[str, SiteDayCounts] = {}
        for name in names:
            document = await self._store.get(name)
            if document is not None:
                found[name] = msgspec.json.decode(document.value, type=SiteDayCounts)
        return found

    async def _folded(self, site_id: str, date: str) -> tuple[_Folded, int]:
        found = await self._store.get(f"counts/{site_id}/{date}")
        if found is None:
            return _Folded(SiteDayCounts(), []), 0
        return msgspec.json.decode(found.value, type=_Folded), found.version

    async def fold(self) -> None:
        """Make one document of each day that no process counts any more."""
        yesterday = utc_date(self._clock() - 86400)
        days: dict[tuple[str, str], list[str]] = {}
        for name in await self._store.names("counts/"):
            _, site_id, date, *part = name.split("/")
            if part and date < yesterday:
                days.setdefault((site_id, date), []).append(name)
        for (site_id, date), parts in days.items():
            await self._fold_day(site_id, date, parts)

    async def _fold_day(self, site_id: str, date: str, parts: list[str]) -> None:
        folded, version = await self._folded(site_id, date)
        added = {name: counts for name, counts in (await self._read_parts(parts)).items() if name not in folded.parts}
        if added:
            day = _Folded(total([folded.counts, *added.values()]), [*folded.parts, *added])
            try:
                await self._store.put(f"counts/{site_id}/{date}", msgspec.json.encode(day), version)
            except VersionConflict:
                # Another process folds this day.
                return
        for name in parts:
            await self._store.remove(name)


class Stats:
    """Plain numbers since this process started. `analytics` counts the same by site and day."""

    def __init__(self, analytics: Analytics | None = None) -> None:
        self._started = time.monotonic()
        self._analytics = analytics
        self.messages = 0
        self.restores: dict[Restore, int] = {"full": 0, "partial": 0, "new": 0}
        self.tasks: dict[Outcome, int] = {"done": 0, "resumed": 0, "aborted": 0}

    def restored(self, site_id: str, how: Restore, milliseconds: float | None = None) -> None:
        """A page got its conversation: all of it, a part of it, or a new one."""
        self.restores[how] += 1
        if self._analytics is not None:
            self._analytics.restored(site_id, how, milliseconds)

    def acted(self, site_id: str, how: Outcome) -> None:
        """A task has ended or resumed, by this process's doing."""
        self.tasks[how] += 1
        if self._analytics is not None:
            self._analytics.acted(site_id, how)

    def said(self, site_id: str, created: bool) -> None:
        """A visitor's message was stored, or was known already."""
        self.messages += created
        if self._analytics is not None:
            self._analytics.said(site_id, created)

    def missed(self, site_id: str) -> None:
        """A page lacked messages that it should have been sent, and got them now."""
        if self._analytics is not None:
            self._analytics.missed(site_id)

    def uptime(self) -> float:
        """Seconds."""
        return time.monotonic() - self._started


def _part(site_id: str, date: str, process: str) -> str:
    return f"counts/{site_id}/{date}/{process}"
