"""Conversations: the listing, one transcript, and erasing them for good."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from backends.errors import SessionNotFound
from backends.records import LogSession, Snapshot
from leflux import protocol
from leflux.owner.accounts import Account
from leflux.protocol.owner_api import Receipt, SessionRow, SessionRows
from leflux.sites.registry import Site
from leflux.web.admin.base import AdminHandler, now_ms
from leflux.web.admin.listing import FilteredHandler
from leflux.web.admin.transcript import person_row, read_transcript

LISTED, MOST_LISTED = 50, 100
LAST_TEXT = 200
TRANSCRIPT = 1_000


class DeleteMany(Struct):
    ids: Annotated[list[str], Meta(min_length=1, max_length=MOST_LISTED)]


class SessionsHandler(FilteredHandler):
    """Newest activity first. With a `state`, a page may be short, or empty, and still name a `nextCursor`."""

    async def get(self, site_id: str) -> None:
        site, ids = self.site(site_id), await self.conversation_ids()
        rows, cursor = await self.listing(site, self.count("limit", LISTED, MOST_LISTED), ids).page()
        sessions = [_row(ids.of(session.session_id), session, live, self.account) for session, live in rows]
        self.answer(SessionRows(sessions, ids.cursor(cursor)))


class _LastMessage(Struct):
    """What a listing repeats of the newest message."""

    role: str
    text: str
    ts: int


def _row(conversation_id: str, session: LogSession, live: Snapshot | None, reader: Account) -> SessionRow:
    newest = msgspec.json.decode(live.messages[-1], type=_LastMessage) if live is not None and live.messages else None
    return SessionRow(
        conversation_id=conversation_id,
        started_at=session.started_at,
        last_activity=session.last_activity,
        messages=session.messages,
        visitor_id=session.visitor_id,
        first_text=session.first_text,
        live=live is not None,
        last_text=None if newest is None else newest.text[:LAST_TEXT],
        waiting_since=newest.ts if newest is not None and newest.role == "visitor" else None,
        person=None if live is None else person_row(live.session, reader),
    )


class _Erasing(AdminHandler):
    async def erase(self, site: Site, session_id: str) -> tuple[protocol.DeleteAnswer, Receipt]:
        """As the visitor's own DELETE, with a receipt. Raises `SessionNotFound` when there is nothing left."""
        erased = await self.dependencies.chat.erase(site.id, session_id, self.account.email)
        conversation_id = (await self.conversation_ids()).of(session_id)
        return erased, Receipt(conversation_id, now_ms(), erased.deleted)


class SessionHandler(_Erasing):
    """`{conversationId, messages, more, context, tasks, continues, continuedBy}` and what the listing says of it."""

    async def get(self, site_id: str, name: str) -> None:
        site, ids = self.site(site_id), await self.conversation_ids()
        ref = self.dependencies.chat.ref(site.id, ids.session_id(name))
        since, limit = self.number("since", 0) or 0, self.count("limit", TRANSCRIPT, TRANSCRIPT)
        transcript = await read_transcript(self.dependencies.storage, ids, ref, since, limit, self.account)
        await self._note_reading(site, ids.of(ref.session_id))
        self.answer(transcript)

    async def _note_reading(self, site: Site, conversation_id: str) -> None:
        """A page that shows a running conversation asks every few seconds: that is one reading."""
        if self.dependencies.readings.is_new(f"{self.account.email} {site.id} {conversation_id}"):
            await self.dependencies.audit(self.account, site.id, "session.read", conversationId=conversation_id)

    async def delete(self, site_id: str, name: str) -> None:
        site = self.site(site_id)
        erased, receipt = await self.erase(site, (await self.conversation_ids()).session_id(name))
        answer = msgspec.to_builtins(erased) | {"receipt": msgspec.to_builtins(receipt)}
        self.answer(answer, 202 if erased.pending else 200)


class DeleteHandler(_Erasing):
    """Erases up to a hundred; an id that names nothing any more is listed in `missing`."""

    async def post(self, site_id: str) -> None:
        site, ids = self.site(site_id), await self.conversation_ids()
        receipts, missing = [], []
        for session_id in dict.fromkeys(ids.session_id(name) for name in self.json_body(DeleteMany).ids):
            try:
                receipts.append((await self.erase(site, session_id))[1])
            except SessionNotFound:
                missing.append(ids.of(session_id))
        counted = [structs.asdict(receipt.counts) for receipt in receipts]
        totals = {name: sum(counts[name] for counts in counted) for name in protocol.DeletedCounts.__struct_fields__}
        self.answer({"success": True, "deleted": totals, "receipts": receipts, "missing": missing})
