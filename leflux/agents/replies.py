"""The parts of a reply: one that is being written, and the message that it becomes."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import UNSET, Struct

from backends.records import Draft, SessionRef
from leflux import protocol
from leflux.agents.base import AnsweringStore
from leflux.chat.conversation_events import ChatEvent
from leflux.chat.service import reply_key
from leflux.common.catalogue import language
from leflux.tasks.engine import Reply


class ReplyInProgress(Struct):
    """`stopped` is set when the visitor wants no more of it."""

    stream_id: str
    stopped: asyncio.Event
    text: str = ""
    next_chunk: int = 0


class _Locale(Struct):
    locale: Any = None


async def visitor_language(store: AnsweringStore, ref: SessionRef) -> str:
    """The language of the visitor's browser, as it has told."""
    context, _ = await store.context(ref)
    try:
        return language(msgspec.json.decode(context or b"{}", type=_Locale).locale)
    except msgspec.DecodeError:
        return language(None)


def draft_of(question: protocol.StoredMessage, reply: Reply, logged: bool) -> Draft:
    data = UNSET if reply.data is None else reply.data
    message = protocol.Message(id=str(uuid4()), role="assistant", text=reply.text, kind=reply.kind or UNSET, data=data)
    return Draft(
        id=message.id,
        role="assistant",
        text=reply.text,
        body=msgspec.json.encode(message),
        client_message_id=reply_key(question.seq),
        kind=reply.kind,
        closes_turn=question.seq,
        logged=logged,
    )


def unanswered_event(ref: SessionRef, question: protocol.StoredMessage, reply: Reply, logged: bool) -> ChatEvent | None:
    """The event of a question that the agent failed at or found no answer to; asking back is no such thing."""
    data = reply.data if isinstance(reply.data, dict) else {}
    has_failed = reply.kind == "error"
    if question.role != "visitor" or not (has_failed or (data.get("answered") is False and "choices" not in data)):
        return None
    told = {"seq": question.seq, "reason": "failed" if has_failed else "no_answer"}
    told |= {"text": question.text} if logged else {}
    return ChatEvent("question.unanswered", ref.site_id, ref.session_id, question.seq, told)


def joined(before: str, text: str) -> str:
    return f"{before.rstrip()}\n\n{text}".strip() if before.strip() else text
