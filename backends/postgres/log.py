"""`MessageLog` on PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from backends.base import MessageLog
from backends.clock import utc_date
from backends.postgres.call_pool import CallPool
from backends.postgres.lines import entry_of, first_text, lexemes, search_query
from backends.postgres.replies import read
from backends.postgres.schema import named
from backends.records import DayCount, LogCount, LogEntry, LogPage, LogQuery, LogSession
from backends.text import make_cursor, parse_cursor

DAY_MS = 86_400_000
EXPORT_PAGE = 500
_LAST = 2**62
_SUMMARY = "site, id, started, activity, messages, first_text, visitor, continues"
_EXPORT = """
SELECT l.site, l.session, l.seq, l.ts, l.message, l.role, l.text, l.body, s.started, l.kind, s.visitor, s.continues
FROM leflux.log_lines l JOIN leflux.log_sessions s ON s.site = l.site AND s.id = l.session
WHERE l.site = $1 AND (l.session, l.seq) > ($2, $3) AND l.ts >= $4 AND l.ts < $5
ORDER BY l.session, l.seq LIMIT $6
"""
_DAYS = """
SELECT day, count(*), sum(messages)::bigint, count(DISTINCT visitor) FROM leflux.log_days
WHERE site = $1 AND day BETWEEN $2 AND $3 GROUP BY day ORDER BY day
"""
_OLDER = """
SELECT count(*), coalesce(sum(messages), 0)::bigint FROM leflux.log_sessions WHERE site = $1 AND activity < $2
"""
_MATCHES = """EXISTS (
    SELECT 1 FROM leflux.log_lines l
    WHERE l.site = s.site AND l.session = s.id AND l.words @@ {query}::tsquery)"""


class PostgresLog(MessageLog):
    """A word is looked up in an index of what `backends.text.words` gives."""

    def __init__(self, pool: CallPool, schema: str) -> None:
        self._pool = pool
        self._schema = schema

    async def _rows(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return await self._pool.rows(named(statement, self._schema), *arguments)

    async def append(self, entries: Sequence[LogEntry]) -> None:
        lines = sorted(entries, key=lambda entry: (entry.session_id, entry.seq))
        columns: list[tuple[str, list[Any]]] = [
            ("text", [entry.site_id for entry in lines]),
            ("text", [entry.session_id for entry in lines]),
            ("bigint", [entry.seq for entry in lines]),
            ("bigint", [entry.ts for entry in lines]),
            ("text", [entry.message_id for entry in lines]),
            ("text", [entry.role for entry in lines]),
            ("bytea", [entry.text.encode() for entry in lines]),
            ("bytea", [entry.body for entry in lines]),
            ("bigint", [entry.started_at for entry in lines]),
            ("text", [entry.kind for entry in lines]),
            ("text", [entry.visitor_id for entry in lines]),
            ("text", [entry.continues for entry in lines]),
            ("bytea", [first_text(entry.role, entry.text) for entry in lines]),
            ("text", [" ".join(lexemes(entry.text)) for entry in lines]),
        ]
        if lines:
            places = ", ".join(f"${number}::{kind}[]" for number, (kind, _) in enumerate(columns, start=1))
            await self._rows(f"SELECT leflux.log_append({places})", *(values for _, values in columns))

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        conditions, values = _conditions(site_id, query)
        statement = (
            f"SELECT {_SUMMARY} FROM leflux.log_sessions s WHERE {' AND '.join(conditions)}"  # noqa: S608 - ours
            f" ORDER BY activity DESC, id DESC LIMIT {query.limit + 1}"
        )
        found = [_summary(row) for row in await self._rows(statement, *values)]
        page = found[: query.limit]
        more = len(found) > query.limit and page
        return LogPage(page, make_cursor(page[-1].last_activity, page[-1].session_id) if more else None)

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        statement = f"SELECT {_SUMMARY} FROM leflux.log_sessions WHERE site = $1 AND id = $2"  # noqa: S608 - ours
        found = await self._rows(statement, site_id, session_id)
        return _summary(found[0]) if found else None

    async def continued_by(self, site_id: str, session_id: str) -> str | None:
        statement = "SELECT id FROM leflux.log_sessions WHERE site = $1 AND continues = $2 ORDER BY started, id LIMIT 1"
        found = await self._rows(statement, site_id, session_id)
        return str(found[0][0]) if found else None

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        statement = (
            "SELECT body FROM leflux.log_lines WHERE site = $1 AND session = $2 AND seq > $3 ORDER BY seq LIMIT $4"
        )
        return [body for (body,) in await self._rows(statement, site_id, session_id, since, limit)]

    async def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        last = ("", 0)
        bounds = (start if start is not None else 0, end if end is not None else _LAST)
        while True:
            page = [entry_of(row) for row in await self._rows(_EXPORT, site_id, *last, *bounds, EXPORT_PAGE)]
            for entry in page:
                last = (entry.session_id, entry.seq)
                yield entry
            if len(page) < EXPORT_PAGE:
                return

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        rows = await self._rows(_DAYS, site_id, start // DAY_MS, (end - 1) // DAY_MS)
        return [DayCount(utc_date(day * 86_400), *counts) for day, *counts in rows]

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        statement = "SELECT leflux.log_delete_session($1, $2, $3)"
        [[found]] = await self._rows(statement, site_id, session_id, float(tombstone))
        return read(found, session_id).lines

    async def count_older(self, site_id: str, before: int) -> LogCount:
        [row] = await self._rows(_OLDER, site_id, before)
        return LogCount(*row)

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        [[found]] = await self._rows("SELECT leflux.log_delete_older($1, $2, $3)", site_id, before, limit)
        reply = read(found, site_id)
        return LogCount(reply.sessions, reply.lines)


def _conditions(site_id: str, query: LogQuery) -> tuple[list[str], list[Any]]:
    conditions, values = ["site = $1"], [site_id]  # type: tuple[list[str], list[Any]]

    def place(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    if query.start is not None:
        conditions.append(f"activity >= {place(query.start)}")
    if query.end is not None:
        conditions.append(f"activity < {place(query.end)}")
    if query.cursor is not None:
        activity, session_id = parse_cursor(query.cursor)
        conditions.append(f"(activity, id) < ({place(activity)}, {place(session_id)})")
    wanted = search_query(query.words)
    if wanted is not None:
        conditions.append(_MATCHES.format(query=place(wanted)))
    return conditions, values


def _summary(row: tuple[Any, ...]) -> LogSession:
    site, session_id, started, activity, messages, first, visitor, continues = row
    return LogSession(site, session_id, started, activity, messages, first.decode(), visitor, continues)
