"""`MessageLog` on Firestore. Summaries are listed in the order of their `rank`, lines are found by their tokens."""

import heapq
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from msgspec import Struct

from backends.clock import utc_date
from backends.errors import SessionCorrupt
from backends.firestore.calls import Until, both, together
from backends.firestore.docs import LogDoc, decode, lines_of, log_rank
from backends.firestore.lines import DAY_MS, entry_of, line_path, matches, store_line, summary_path, token_of
from backends.firestore.retention import LogEraser
from backends.firestore.rpc import PARALLEL, READ_CHUNK, Condition, Rpc
from backends.firestore.transaction_queue import TransactionQueues, Unit
from backends.records import DayCount, LogCount, LogEntry, LogPage, LogQuery, LogSession
from backends.text import make_cursor, parse_cursor, terms

_APPEND_CHUNK = 100


class _Day(Struct):
    sessions: int = 0
    messages: int = 0
    visitors: set[str] = set()


class FirestoreLog:
    """Reads of many calls have `rpc.SLOW_DEADLINE`, each call of them the deadline of the settings."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues) -> None:
        self._rpc = rpc
        self._queues = queues
        self._eraser = LogEraser(rpc, queues)
        self._summaries = rpc.path("logSessions")
        self._lines = rpc.path("logLines")

    async def append(self, entries: Sequence[LogEntry]) -> None:
        groups: dict[tuple[str, str], list[LogEntry]] = {}
        for entry in entries:
            groups.setdefault((entry.site_id, entry.session_id), []).append(entry)
        until = self._rpc.until()
        waiting = list(groups.values())
        for first in range(0, len(waiting), PARALLEL):
            await together(self._append(group, until) for group in waiting[first : first + PARALLEL])

    async def _append(self, group: list[LogEntry], until: Until) -> None:
        for first in range(0, len(group), _APPEND_CHUNK):
            await self._append_chunk(group[first : first + _APPEND_CHUNK], until)

    async def _append_chunk(self, chunk: list[LogEntry], until: Until) -> None:
        paths = {line_path(self._rpc, entry): entry for entry in reversed(chunk)}

        def step(unit: Unit) -> None:
            for path, entry in reversed(paths.items()):
                if unit.get(path) is None:
                    store_line(unit, self._rpc, entry)

        size = sum(2 * len(entry.body) + len(entry.text) for entry in chunk)
        guard = summary_path(self._rpc, chunk[0].site_id, chunk[0].session_id)
        await self._queues.run(guard, step, paths, until, operations=len(paths) + 1, size=size)

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        wanted = terms(query.words)
        until = self._rpc.until(slow=True)
        if wanted:
            found = await self._search(site_id, query, wanted, until)
        else:
            within = [("site", "==", site_id), *_bounds(query)]
            hits = await self._rpc.find(self._summaries, until, within, "rank", descending=True, limit=query.limit + 1)
            found = [summary for hit in hits if (summary := _readable(hit.data)) is not None]
        page = found[: query.limit]
        more = len(found) > query.limit and page
        cursor = make_cursor(page[-1].activity, page[-1].id) if more else None
        return LogPage([_listed(summary) for summary in page], cursor)

    async def _search(self, site_id: str, query: LogQuery, wanted: list[str], until: Until) -> list[LogDoc]:
        """The newest `limit` + 1 of the sessions with a line that matches; holds their ids and one page of lines."""
        within: list[Condition] = [("site_id", "==", site_id), ("tokens", "array_contains", token_of(wanted))]
        known: set[str] = set()
        newest: list[tuple[str, LogDoc]] = []
        fields = ("session_id", "text", "at")
        async with aclosing(self._rpc.pages(self._lines, until, "at", within, fields)) as pages:
            async for page in pages:
                matching = {hit.data["session_id"] for hit in page if matches(hit.data["text"], wanted)} - known
                known |= matching
                for summary in await self._named(site_id, sorted(matching), query, until):
                    heapq.heappush(newest, (summary.rank or "", summary))
                    if len(newest) > query.limit + 1:
                        heapq.heappop(newest)
        return [summary for _, summary in sorted(newest, key=lambda item: item[0], reverse=True)]

    async def _named(self, site_id: str, session_ids: list[str], query: LogQuery, until: Until) -> list[LogDoc]:
        """The summaries of these sessions that are within the bounds of the query."""
        if not session_ids:
            return []
        reading = await self._rpc.read([summary_path(self._rpc, site_id, name) for name in session_ids], until)
        summaries = [_readable(seen.data) for seen in reading.documents.values()]
        return [summary for summary in summaries if summary is not None and _is_within(summary.rank or "", query)]

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        path = summary_path(self._rpc, site_id, session_id)
        reading = await self._rpc.read([path], self._rpc.until())
        summary = _readable(reading.documents[path].data)
        return _listed(summary) if summary is not None else None

    async def continued_by(self, site_id: str, session_id: str) -> str | None:
        named = [("site", "==", site_id), ("continues", "==", session_id), ("status", "==", "live")]
        hits = await self._rpc.find(self._summaries, self._rpc.until(), named, limit=READ_CHUNK)
        summaries = [summary for hit in hits if (summary := _readable(hit.data)) is not None]
        return min(summaries, key=lambda summary: summary.started).id if summaries else None

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        within = lines_of(site_id, session_id, since)
        summary, hits = await both(
            self.session(site_id, session_id),
            self._rpc.find(self._lines, self._rpc.until(), within, "key", limit=limit, fields=("body",)),
        )
        return [hit.data["body"] for hit in hits] if summary is not None else []

    async def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        within: list[Condition] = [("site_id", "==", site_id)]
        if start is not None:
            within.append(("at", ">=", f"{max(start, 0):015}"))
        if end is not None:
            within.append(("at", "<", f"{max(end, 0):015}"))
        async with aclosing(self._rpc.pages(self._lines, None, "at", within)) as pages:
            async for page in pages:
                for hit in page:
                    if (entry := entry_of(hit.data)) is not None:
                        yield entry

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        """Reads the summary of each session that was active since `start`."""
        first, last = start // DAY_MS, (end - 1) // DAY_MS
        days: dict[int, _Day] = {}
        within = [("site", "==", site_id), ("rank", ">=", f"{max(first, 0) * DAY_MS:015}")]
        fields = ("days", "visitor", "rank")
        until = self._rpc.until(slow=True)
        async with aclosing(self._rpc.pages(self._summaries, until, "rank", within, fields)) as pages:
            async for page in pages:
                for hit in page:
                    _count(days, hit.data, range(first, last + 1))
        return [
            DayCount(utc_date(number * 86_400), day.sessions, day.messages, len(day.visitors))
            for number, day in sorted(days.items())
        ]

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        return await self._eraser.delete_session(site_id, session_id, tombstone)

    async def count_older(self, site_id: str, before: int) -> LogCount:
        return await self._eraser.count_older(site_id, before)

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        return await self._eraser.delete_older(site_id, before, limit)


def _bounds(query: LogQuery) -> list[Condition]:
    """The conditions on `rank`. Raises `InvalidCursor`."""
    bounds: list[Condition] = [("rank", ">", "" if query.start is None else f"{max(query.start, 0):015}")]
    ends = []
    if query.end is not None:
        ends.append(f"{max(query.end, 0):015}")
    if query.cursor is not None:
        ends.append(log_rank(*parse_cursor(query.cursor)))
    return [*bounds, ("rank", "<", min(ends))] if ends else bounds


def _is_within(rank: str, query: LogQuery) -> bool:
    return all(rank > bound if operator == ">" else rank < bound for _, operator, bound in _bounds(query))


def _readable(data: dict[str, Any] | None) -> LogDoc | None:
    """A live summary; None for a tombstone, and for one that cannot be read, so that the others can."""
    if data is None:
        return None
    try:
        summary = decode(data, LogDoc, "")
    except SessionCorrupt:
        return None
    return summary if summary.status == "live" else None


def _listed(summary: LogDoc) -> LogSession:
    return LogSession(
        site_id=summary.site,
        session_id=summary.id,
        started_at=summary.started,
        last_activity=summary.activity,
        messages=summary.messages,
        first_text=summary.first_text,
        visitor_id=summary.visitor,
        continues=summary.continues,
    )


def _count(days: dict[int, _Day], data: dict[str, Any], wanted: range) -> None:
    for number, messages in (data.get("days") or {}).items():
        if int(number) in wanted:
            day = days.setdefault(int(number), _Day())
            day.sessions += 1
            day.messages += messages
            if data.get("visitor") is not None:
                day.visitors.add(data["visitor"])
