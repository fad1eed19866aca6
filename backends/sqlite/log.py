"""`MessageLog` on SQLite, and the list of erasures that a restored backup is compared with."""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Connection

from backends.clock import now_ms, utc_date
from backends.records import DayCount, LogCount, LogEntry, LogPage, LogQuery, LogSession
from backends.sqlite.rows import insert_line, scrub
from backends.sqlite.search import SUMMARY, newest
from backends.sqlite.writer_thread import WriterThread
from backends.text import make_cursor

DAY_MS = 86_400_000
EXPORT_PAGE = 500
DIGEST_CHARS = 64


class ErasureList:
    """What was erased, in a file beside the database, so that restoring a backup repeats the erasures since.

    Appended to before an erasure is committed. It holds a hash of each id and no text. It outlives the database, and is
    as long as the sum of all erasures.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}-erased")

    def add(self, site_id: str, session_id: str) -> None:
        """Durable when it returns."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{digest(site_id, session_id)}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> set[str]:
        """The digests. A last line that a crash has cut off is of an erasure that was not acknowledged."""
        if not self.path.exists():
            return set()
        return {line for line in self.path.read_text("ascii").splitlines() if len(line) == DIGEST_CHARS}


def digest(site_id: str, session_id: str) -> str:
    return hashlib.sha256(f"{site_id}\0{session_id}".encode()).hexdigest()


class SqliteLog:
    """Reads run on a thread of their own: a long search holds up no visitor."""

    def __init__(self, writer: WriterThread, searcher: WriterThread, erasures: ErasureList) -> None:
        self._erasures = erasures
        self._writer = writer
        self._searcher = searcher

    async def append(self, entries: Sequence[LogEntry]) -> None:
        def job(db: Connection) -> None:
            for entry in entries:
                insert_line(db, entry)

        await self._writer.run(job)

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        def job(db: Connection) -> list[LogSession]:
            return newest(db, site_id, query, query.limit + 1)

        found = await self._searcher.run(job)
        page = found[: query.limit]
        more = len(found) > query.limit and page
        return LogPage(page, make_cursor(page[-1].last_activity, page[-1].session_id) if more else None)

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        def job(db: Connection) -> LogSession | None:
            row = db.execute(
                f"SELECT {SUMMARY} FROM log_sessions WHERE id = ? AND site = ?",  # noqa: S608
                (session_id, site_id),
            ).fetchone()
            return None if row is None else LogSession(*row)

        return await self._searcher.run(job)

    async def continued_by(self, site_id: str, session_id: str) -> str | None:
        def job(db: Connection) -> str | None:
            row = db.execute(
                "SELECT id FROM log_sessions WHERE continues = ? AND site = ? ORDER BY num LIMIT 1",
                (session_id, site_id),
            ).fetchone()
            return None if row is None else str(row[0])

        return await self._searcher.run(job)

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        def job(db: Connection) -> list[bytes]:
            rows = db.execute(
                "SELECT body FROM log_lines JOIN log_sessions USING (num)"
                " WHERE id = ? AND site = ? AND seq > ? ORDER BY seq LIMIT ?",
                (session_id, site_id, since, limit),
            )
            return [body for (body,) in rows]

        return await self._searcher.run(job)

    async def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        last = (0, 0)
        while True:
            page = await self._searcher.run(partial(_export_page, site_id, start, end, last))
            for num, entry in page:
                last = (num, entry.seq)
                yield entry
            if len(page) < EXPORT_PAGE:
                return

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        def job(db: Connection) -> list[DayCount]:
            rows = db.execute(
                "SELECT day, count(*), sum(messages), count(DISTINCT visitor) FROM log_days"
                " WHERE site = ? AND day BETWEEN ? AND ? GROUP BY day ORDER BY day",
                (site_id, start // DAY_MS, (end - 1) // DAY_MS),
            )
            return [DayCount(utc_date(day * 86_400), *counts) for day, *counts in rows]

        return await self._searcher.run(job)

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        def job(db: Connection) -> int:
            row = db.execute("SELECT num FROM log_sessions WHERE id = ? AND site = ?", (session_id, site_id)).fetchone()
            db.execute("DELETE FROM log_tombstones WHERE until <= ?", (now_ms(),))
            db.execute(
                "INSERT OR REPLACE INTO log_tombstones (id, site, until) VALUES (?, ?, ?)",
                (session_id, site_id, now_ms() + int(tombstone * 1000)),
            )
            self._erasures.add(site_id, session_id)
            return 0 if row is None else _erase(db, row[0])

        return await self._writer.run(job, then=scrub)

    async def count_older(self, site_id: str, before: int) -> LogCount:
        def job(db: Connection) -> LogCount:
            row = db.execute(
                "SELECT count(*), coalesce(sum(messages), 0) FROM log_sessions WHERE site = ? AND activity < ?",
                (site_id, before),
            ).fetchone()
            return LogCount(*row)

        return await self._searcher.run(job)

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        def job(db: Connection) -> LogCount:
            rows = db.execute(
                "SELECT num FROM log_sessions WHERE site = ? AND activity < ? LIMIT ?", (site_id, before, limit)
            ).fetchall()
            return LogCount(len(rows), sum(_erase(db, num) for (num,) in rows))

        return await self._writer.run(job, then=scrub)


def _export_page(
    site_id: str, start: int | None, end: int | None, last: tuple[int, int], db: Connection
) -> list[tuple[int, LogEntry]]:
    rows = db.execute(
        "SELECT num, site, id, seq, ts, message, role, text, body, started, kind, visitor, continues"
        " FROM log_lines JOIN log_sessions USING (num)"
        " WHERE site = ? AND (num, seq) > (?, ?) AND ts >= ? AND ts < ? ORDER BY num, seq LIMIT ?",
        (site_id, *last, start or 0, end if end is not None else 2**62, EXPORT_PAGE),
    )
    return [(num, LogEntry(*fields)) for num, *fields in rows]


def _erase(db: Connection, num: int) -> int:
    db.execute("DELETE FROM log_text WHERE rowid IN (SELECT line FROM log_lines WHERE num = ?)", (num,))
    lines = db.execute("DELETE FROM log_lines WHERE num = ?", (num,)).rowcount
    db.execute("DELETE FROM log_days WHERE num = ?", (num,))
    db.execute("DELETE FROM log_sessions WHERE num = ?", (num,))
    return lines
