"""The permanent log and the settings in this process: the reference for the rules L and K."""

from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from backends.base import MessageLog, SettingsStore
from backends.clock import now_ms, utc_date
from backends.errors import VersionConflict
from backends.records import (
    AuditEntry,
    DayCount,
    LogCount,
    LogEntry,
    LogPage,
    LogQuery,
    LogSession,
    Versioned,
)
from backends.text import FIRST_TEXT_CHARS, make_cursor, parse_cursor, terms, words


class MemoryLog(MessageLog):
    """`MessageLog` on dicts."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[int, LogEntry]] = {}
        self._tombstones: dict[tuple[str, str], int] = {}

    def store(self, entry: LogEntry) -> None:
        """One line, synchronously, so that it can be part of another store's step."""
        if now_ms() < self._tombstones.get((entry.site_id, entry.session_id), 0):
            return
        self._lines.setdefault(entry.session_id, {}).setdefault(entry.seq, entry)

    async def append(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            self.store(entry)

    def _of_site(self, site_id: str) -> list[list[LogEntry]]:
        found = [[lines[seq] for seq in sorted(lines)] for lines in self._lines.values()]
        return [lines for lines in found if lines[0].site_id == site_id]

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        wanted = terms(query.words)
        behind = parse_cursor(query.cursor) if query.cursor is not None else None
        listed = []
        for lines in self._of_site(site_id):
            summary = _summary(lines)
            key = (summary.last_activity, summary.session_id)
            if query.start is not None and summary.last_activity < query.start:
                continue
            if query.end is not None and summary.last_activity >= query.end:
                continue
            if behind is not None and key >= behind:
                continue
            if wanted and not any(_matches(line.text, wanted) for line in lines):
                continue
            listed.append((key, summary))
        listed.sort(key=lambda item: item[0], reverse=True)
        page = [summary for _, summary in listed[: query.limit]]
        more = len(listed) > query.limit
        return LogPage(page, make_cursor(page[-1].last_activity, page[-1].session_id) if more and page else None)

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        lines = self._lines_of(site_id, session_id)
        return _summary(lines) if lines else None

    def _lines_of(self, site_id: str, session_id: str) -> list[LogEntry]:
        lines = self._lines.get(session_id, {})
        return [lines[seq] for seq in sorted(lines) if lines[seq].site_id == site_id]

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        return [line.body for line in self._lines_of(site_id, session_id) if line.seq > since][:limit]

    async def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        for lines in self._of_site(site_id):
            for line in lines:
                if (start is None or line.ts >= start) and (end is None or line.ts < end):
                    yield line

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        found: dict[str, list[LogEntry]] = {}
        first, last = utc_date(start / 1000), utc_date((end - 1) / 1000)
        for lines in self._of_site(site_id):
            for line in lines:
                if first <= utc_date(line.ts / 1000) <= last:
                    found.setdefault(utc_date(line.ts / 1000), []).append(line)
        return [
            DayCount(
                date,
                sessions=len({line.session_id for line in found[date]}),
                messages=len(found[date]),
                visitors=len({line.visitor_id for line in found[date]} - {None}),
            )
            for date in sorted(found)
        ]

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        lines = self._lines.get(session_id)
        if lines and next(iter(lines.values())).site_id != site_id:
            lines = None
        now = now_ms()
        self._tombstones = {grave: until for grave, until in self._tombstones.items() if now < until}
        self._tombstones[site_id, session_id] = now + int(tombstone * 1000)
        return len(self._lines.pop(session_id)) if lines else 0

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        summaries = (_summary(lines) for lines in self._of_site(site_id))
        chosen = [summary for summary in summaries if summary.last_activity < before][:limit]
        return LogCount(len(chosen), sum(len(self._lines.pop(summary.session_id)) for summary in chosen))


class MemorySettingsStore(SettingsStore):
    """`SettingsStore` on dicts."""

    def __init__(self) -> None:
        self._documents: dict[str, Versioned] = {}
        self._audit: dict[str, list[AuditEntry]] = {}

    async def get(self, name: str) -> Versioned | None:
        return self._documents.get(name)

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        current = self._documents.get(name)
        version = current.version if current is not None else 0
        if version != expect:
            raise VersionConflict(version)
        self._documents[name] = stored = Versioned(value, version + 1)
        return stored

    async def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self._documents if name.startswith(prefix))

    async def remove(self, name: str) -> bool:
        return self._documents.pop(name, None) is not None

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        trail = self._audit.setdefault(site_id, [])
        trail.append(replace(entry, ts=max(now_ms(), trail[-1].ts if trail else 0)))

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        trail = reversed(self._audit.get(site_id, []))
        return [entry for entry in trail if before is None or entry.ts < before][:limit]


def _summary(lines: list[LogEntry]) -> LogSession:
    first = lines[0]
    said = next((line.text for line in lines if line.role == "visitor"), "")
    return LogSession(
        site_id=first.site_id,
        session_id=first.session_id,
        started_at=first.started_at,
        last_activity=max(line.ts for line in lines),
        messages=len(lines),
        first_text=said[:FIRST_TEXT_CHARS],
        visitor_id=first.visitor_id,
        continues=first.continues,
    )


def _matches(text: str, wanted: list[str]) -> bool:
    have = words(text)
    return set(wanted[:-1]) <= set(have) and any(word.startswith(wanted[-1]) for word in have)
