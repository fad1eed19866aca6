"""The permanent log, and the owner's settings."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec.structs import replace

from backends.records import AuditEntry, DayCount, LogCount, LogEntry, LogPage, LogQuery, LogSession, Versioned


async def _listed(log: "MessageLog", site_id: str, end: int | None) -> AsyncIterator[LogSession]:
    """Every session of a site whose last activity is before `end` (ms)."""
    query = LogQuery(end=end, limit=200)
    while True:
        page = await log.sessions(site_id, query)
        for session in page.sessions:
            yield session
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)


class MessageLog(Protocol):
    """The permanent record. Only a deletion or a retention rule deletes from it.

    A log that inherits from this class may leave out `continued_by` and `count_older`, which then read the listing.
    """

    async def append(self, entries: Sequence[LogEntry]) -> None:
        """Store lines.

        L1  A line whose `(session_id, seq)` is stored already is skipped: delivering twice leaves one.
        L2  A line of a deleted session is dropped, for as long as its tombstone lasts.
        """

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        """List a site's sessions, newest activity first.

        L3  Following `next_cursor` visits every session that did not change meanwhile exactly once. A cursor
            that no page gave raises `InvalidCursor`.
        L4  `query.words` matches whole words without case and accents, the last one also as a prefix; a session
            matches when one message holds them all. `backends.text.words` says what a message is found by, and
            `backends.text.terms` what a query asks for: words, in scripts without spaces parts of them, and
            symbols. Nothing is a query operator. A query of nothing but spaces matches every session.
        """

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        """One session's summary, or None.

        L7  A summary counts and dates exactly the stored lines of its session, and names the session it continues.
        """

    async def continued_by(self, site_id: str, session_id: str) -> str | None:
        """The id of a session that named this one in `continues` (L7), or None."""
        async for found in _listed(self, site_id, None):
            if found.continues == session_id:
                return found.session_id
        return None

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        """A session's lines as JSON with `seq > since`.

        L8  Lines come in `seq` order, and only for their site.
        """

    def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        """Every line of a site with `start <= ts < end`, by session and `seq` or by time.

        L5  Holds a bounded number of lines in memory, however long the log is.
        """

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        """Counts of each whole UTC day that `start <= ts < end` touches and that has lines, oldest first.

        L9  A line counts on the UTC day of its `ts`.
        """

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        """Erase a session's lines, its index and its summary; returns how many lines.

        L6  No search, listing, count or export shows it afterwards. L2 holds from then on, also for a session
            the log has not seen yet; lines of another site's session are neither erased nor dropped.
        """

    async def count_older(self, site_id: str, before: int) -> LogCount:
        """What `delete_older` would erase: sessions whose last activity is before `before` (ms) (L10)."""
        counts = [found.messages async for found in _listed(self, site_id, before)]
        return LogCount(len(counts), sum(counts))

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        """Erase up to `limit` whole sessions whose last activity is before `before`; call until it erases none.

        L10  It erases exactly what `count_older` counts: the last line of a session decides.
        """


class SettingsStore(Protocol):
    """Small documents under a name, changed by compare-and-set, and the audit trail."""

    async def get(self, name: str) -> Versioned | None:
        """The document that `put` stored (K1), or None."""

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        """Replace the document if its version is `expect` (0: there is none).

        K1  Of writers that race with one `expect`, exactly one wins; the others get `VersionConflict`.
        """

    async def names(self, prefix: str) -> list[str]:
        """The names that start with `prefix`. K3  They are sorted."""

    async def remove(self, name: str) -> bool:
        """Delete the document; False when there was none. K4  It may be made again with `expect` 0."""

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        """Add a line to the site's audit trail. K2  Lines are never changed or removed."""

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        """The newest lines (K2), newest first, with `ts < before` when given."""
