"""Conversations: the listing, one transcript, and erasing them for good."""

import asyncio
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from backends.errors import SessionDeleted, SessionNotFound
from backends.records import LogQuery, LogSession
from leflux import wire
from leflux.problems import Problem
from leflux.sites import Site
from leflux.web.admin.base import AdminHandler, now_ms
from leflux.web.admin.transcript import read_transcript

LISTED, MOST_LISTED = 50, 100
TRANSCRIPT = 1_000
# How many pages of the log one answer looks through for sessions of the wanted state.
ROUNDS = 10
SEARCH_CHARS = 200
AT_ONCE = 8


class DeleteMany(Struct):
    ids: Annotated[list[str], Meta(min_length=1, max_length=MOST_LISTED)]


class SessionsHandler(AdminHandler):
    """Newest activity first. With a `state`, a page may be short, or empty, and still name a `nextCursor`."""

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        state = self.choice("state", "live", "ended", "all", default="all")
        query = self._query(site, state)
        limit = query.limit
        found: list[dict[str, Any]] = []
        for _ in range(ROUNDS):
            page = await self.desk.storage.log.sessions(site.id, query)
            found += [row for row in await self._rows(site, page.sessions) if _is(row, state)]
            query = msgspec.structs.replace(query, cursor=page.next_cursor, limit=limit - len(found))
            if page.next_cursor is None or query.limit <= 0:
                break
        self.answer({"sessions": found, "nextCursor": query.cursor})

    def _query(self, site: Site, state: str) -> LogQuery:
        words = self.get_query_argument("q", "")
        if len(words) > SEARCH_CHARS:
            raise Problem("invalid_request", f"q has at most {SEARCH_CHARS} characters.", path="$.q")
        start, end = self.span()
        if state == "live":
            # Whoever is still there has said something within the idle time.
            recent = now_ms() - round(self.desk.policies(site.id).idle_ttl * 1000)
            start = max(start or 0, recent)
        cursor = self.get_query_argument("cursor", "") or None
        return LogQuery(words, start, end, cursor, self.count("limit", LISTED, MOST_LISTED))

    async def _rows(self, site: Site, sessions: list[LogSession]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for first in range(0, len(sessions), AT_ONCE):
            batch = sessions[first : first + AT_ONCE]
            lives = await asyncio.gather(*(self._is_live(site, session.session_id) for session in batch))
            rows += [_row(session, live) for session, live in zip(batch, lives, strict=True)]
        return rows

    async def _is_live(self, site: Site, session_id: str) -> bool:
        try:
            await self.desk.storage.sessions.load(self.desk.conversations.ref(site.id, session_id))
        except (SessionNotFound, SessionDeleted):
            return False
        return True


def _row(session: LogSession, live: bool) -> dict[str, Any]:
    return {
        "sessionId": session.session_id,
        "startedAt": session.started_at,
        "lastActivity": session.last_activity,
        "messages": session.messages,
        "visitorId": session.visitor_id,
        "firstText": session.first_text,
        "live": live,
    }


def _is(row: dict[str, Any], state: str) -> bool:
    return state == "all" or row["live"] == (state == "live")


class _Erasing(AdminHandler):
    async def erase(self, site: Site, session_id: str) -> wire.DeletedCounts:
        """As the visitor's own DELETE. Raises `SessionNotFound` when there is nothing left."""
        counts = await self.desk.conversations.purge(site.id, session_id)
        self.desk.turns.cancel(session_id)
        await self.desk.deleted(session_id)
        await self.desk.audit(self.owner, site.id, "session.deleted", sessionId=session_id, **counts.named())
        return counts


class SessionHandler(_Erasing):
    """`{sessionId, messages, more, context, tasks, continues, continuedBy}` and what the listing says of it."""

    async def get(self, site_id: str, session_id: str) -> None:
        site = self.site(site_id)
        ref = self.desk.conversations.ref(site.id, session_id)
        since = self.number("since", 0) or 0
        self.answer(await read_transcript(self.desk.storage, ref, since, self.count("limit", TRANSCRIPT, TRANSCRIPT)))

    async def delete(self, site_id: str, session_id: str) -> None:
        site = self.site(site_id)
        counts = await self.erase(site, wire.session_id(session_id))
        self.answer({"success": True, "deleted": counts, "receipt": _receipt(session_id, counts)})


class DeleteHandler(_Erasing):
    """Erases up to a hundred; an id that names nothing any more is listed in `missing`."""

    async def post(self, site_id: str) -> None:
        site = self.site(site_id)
        ids = list(dict.fromkeys(wire.session_id(name) for name in self.json_body(DeleteMany).ids))
        receipts, missing = [], []
        for session_id in ids:
            try:
                receipts.append(_receipt(session_id, await self.erase(site, session_id)))
            except SessionNotFound:
                missing.append(session_id)
        counted = [receipt["counts"] for receipt in receipts]
        totals = {name: sum(counts[name] for counts in counted) for name in wire.DeletedCounts.__struct_fields__}
        self.answer({"success": True, "deleted": totals, "receipts": receipts, "missing": missing})


def _receipt(session_id: str, counts: wire.DeletedCounts) -> dict[str, Any]:
    return {"sessionId": session_id, "deletedAt": now_ms(), "counts": counts.named()}
