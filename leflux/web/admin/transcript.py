"""One conversation as its owner reads it: from the log, or from the session itself when it was not logged."""

from typing import Any

from msgspec import Raw, Struct

from backends.base import Storage
from backends.errors import SessionDeleted, SessionNotFound
from backends.records import LogSession, Session, SessionRef, Task
from leflux.chat.conversation_ids import ConversationIds
from leflux.owner.accounts import Account
from leflux.protocol.owner_api import PersonRow


class _LiveSession(Struct, frozen=True):
    """The parts of a transcript that end with the session."""

    session: Session
    context: bytes | None
    task: Task | None


async def read_transcript(
    storage: Storage, ids: ConversationIds, ref: SessionRef, since: int, limit: int, reader: Account
) -> dict[str, Any]:
    """At most `limit` messages with `seq > since`. Raises `SessionNotFound`, and `SessionDeleted` for a purged one."""
    logged = await storage.log.session(ref.site_id, ref.session_id)
    try:
        live = await _live(storage, ref)
    except (SessionNotFound, SessionDeleted):
        if logged is None:
            raise
        live = None
    head = _head_of_log(logged) if logged is not None else _head_of_session(live)
    return {
        **head,
        "conversationId": ids.of(ref.session_id),
        "continues": ids.optional(head["continues"]),
        **await _messages(storage, ref, since, limit, logged is not None),
        "live": live is not None,
        "person": None if live is None else person_row(live.session, reader),
        "context": None if live is None or live.context is None else Raw(live.context),
        "tasks": [] if live is None or live.task is None else [Raw(live.task.body)],
        "continuedBy": ids.optional(await storage.log.continued_by(ref.site_id, ref.session_id)),
    }


def person_row(session: Session, reader: Account) -> PersonRow | None:
    """Who of the site has the session, as `reader` is told."""
    person = session.person
    return None if person is None else PersonRow(person.name, person.since, person.account == reader.email)


async def _live(storage: Storage, ref: SessionRef) -> _LiveSession:
    snapshot = await storage.sessions.restore(ref, 0, 0)
    context, _ = await storage.sessions.context(ref)
    return _LiveSession(snapshot.session, context, snapshot.task)


async def _messages(storage: Storage, ref: SessionRef, since: int, limit: int, is_logged: bool) -> dict[str, Any]:
    if is_logged:
        lines = await storage.log.messages(ref.site_id, ref.session_id, since, limit + 1)
    else:
        lines = await storage.sessions.messages(ref, since, limit + 1)
    return {"messages": [Raw(line) for line in lines[:limit]], "more": len(lines) > limit}


def _head_of_log(logged: LogSession) -> dict[str, Any]:
    return {
        "startedAt": logged.started_at,
        "lastActivity": logged.last_activity,
        "visitorId": logged.visitor_id,
        "continues": logged.continues,
    }


def _head_of_session(live: _LiveSession | None) -> dict[str, Any]:
    assert live is not None
    session = live.session
    return {
        "startedAt": session.created_at,
        "lastActivity": session.last_activity,
        "visitorId": session.visitor_id,
        "continues": session.continues,
    }
