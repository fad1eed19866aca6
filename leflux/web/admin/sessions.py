"""Conversations: the listing, one transcript, and erasing them for good."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from backends.errors import SessionNotFound
from backends.records import LogSession
from leflux import wire
from leflux.sites import Site
from leflux.web.admin.base import AdminHandler, now_ms
from leflux.web.admin.listing import Filtered
from leflux.web.admin.transcript import read_transcript

LISTED, MOST_LISTED = 50, 100
TRANSCRIPT = 1_000


class DeleteMany(Struct):
    ids: Annotated[list[str], Meta(min_length=1, max_length=MOST_LISTED)]


class SessionsHandler(Filtered):
    """Newest activity first. With a `state`, a page may be short, or empty, and still name a `nextCursor`."""

    async def get(self, site_id: str) -> None:
        rows, cursor = await self.listing(self.site(site_id), self.count("limit", LISTED, MOST_LISTED)).page()
        self.answer({"sessions": [_row(session, live) for session, live in rows], "nextCursor": cursor})


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
