"""Which conversations a listing shows: the one that is read page by page, and the one that is exported."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from backends.errors import SessionDeleted, SessionNotFound
from backends.records import LogEntry, LogQuery, LogSession, Role, Snapshot
from leflux.chat.conversation_ids import ConversationIds
from leflux.protocol import Problem
from leflux.sites.registry import Site
from leflux.web.admin.base import AdminHandler, now_ms
from leflux.web.admin.dependencies import AdminDependencies

# How many pages of the log one answer looks through for sessions of the wanted state.
ROUNDS = 10
SEARCH_CHARS = 200
AT_ONCE = 8
EXPORT_PAGE, EXPORT_LINES = 50, 500

Rows = list[tuple[LogSession, Snapshot | None]]
"""Sessions of the log, and of each that goes on its state with the newest message."""


class Listing(Struct, frozen=True):
    """The filters of one call. `state` is `all`, `live` or `ended`."""

    dependencies: AdminDependencies
    site: Site
    state: str
    query: LogQuery

    async def page(self) -> tuple[Rows, str | None]:
        """At most `query.limit` rows and the next cursor. With a state, a page may be short, or empty, and go on."""
        query, found = self.query, []  # type: LogQuery, Rows
        for _ in range(ROUNDS):
            page = await self.dependencies.storage.log.sessions(self.site.id, query)
            found += await self._wanted(page.sessions)
            left = self.query.limit - len(found)
            query = msgspec.structs.replace(query, cursor=page.next_cursor, limit=left)
            if page.next_cursor is None or left <= 0:
                break
        return found, query.cursor

    async def _wanted(self, sessions: list[LogSession]) -> Rows:
        rows: Rows = []
        for first in range(0, len(sessions), AT_ONCE):
            batch = sessions[first : first + AT_ONCE]
            lives = await asyncio.gather(*(self._live(session.session_id) for session in batch))
            rows += zip(batch, lives, strict=True)
        wanted = self.state == "live"
        return [row for row in rows if self.state == "all" or (row[1] is not None) == wanted]

    async def _live(self, session_id: str) -> Snapshot | None:
        ref = self.dependencies.chat.ref(self.site.id, session_id)
        try:
            return await self.dependencies.storage.sessions.restore(ref, 0, 1)
        except (SessionNotFound, SessionDeleted):
            return None

    async def lines(self) -> AsyncIterator[LogEntry]:
        """Every message of the listed conversations, the newest conversation first; holds one page of them."""
        listing, cursor = self, ""  # type: Listing, str | None
        while cursor is not None:
            rows, cursor = await listing.page()
            for session, _ in rows:
                async for entry in self._conversation(session):
                    yield entry
            query = msgspec.structs.replace(listing.query, cursor=cursor)
            listing = msgspec.structs.replace(listing, query=query)

    async def _conversation(self, session: LogSession) -> AsyncIterator[LogEntry]:
        since = 0
        while True:
            log = self.dependencies.storage.log
            bodies = await log.messages(self.site.id, session.session_id, since, EXPORT_LINES)
            for body in bodies:
                entry = _entry(self.site.id, session, body)
                since = entry.seq
                yield entry
            if len(bodies) < EXPORT_LINES:
                return


class _LoggedMessage(Struct):
    """The fields of a stored message that an export repeats outside of its body."""

    id: str
    seq: int
    ts: int
    role: Role
    text: str
    kind: str | None = None


def _entry(site_id: str, session: LogSession, body: bytes) -> LogEntry:
    line = msgspec.json.decode(body, type=_LoggedMessage)
    return LogEntry(
        site_id=site_id,
        session_id=session.session_id,
        seq=line.seq,
        ts=line.ts,
        message_id=line.id,
        role=line.role,
        text=line.text,
        body=body,
        started_at=session.started_at,
        kind=line.kind,
        visitor_id=session.visitor_id,
        continues=session.continues,
    )


class FilteredHandler(AdminHandler):
    """Reads the filters that a listing and an export share."""

    def listing(self, site: Site, limit: int, ids: ConversationIds) -> Listing:
        """The call's filters. Raises `invalid_request`."""
        words = self.get_query_argument("q", "")
        if len(words) > SEARCH_CHARS:
            raise Problem("invalid_request", f"q has at most {SEARCH_CHARS} characters.", path="$.q")
        state = self.choice("state", "live", "ended", "all", default="all")
        start, end = self.span()
        if state == "live":
            # Whoever is still there has said something within the idle time.
            recent = now_ms() - round(self.dependencies.policies.current[site.id].idle_ttl * 1000)
            start = max(start or 0, recent)
        cursor = ids.log_cursor(self.get_query_argument("cursor", "") or None)
        return Listing(self.dependencies, site, state, LogQuery(words, start, end, cursor, limit))
