"""The operations on a conversation. Each is complete: limits, storage, counts, pages, answering."""

import hashlib
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import UNSET, Raw

from backends.errors import StorageError
from backends.records import Appended, Draft, NewSession, Session, SessionRef, Snapshot
from leflux import protocol
from leflux.chat.conversation_events import ChatEvent
from leflux.chat.conversation_ids import checked_session_id, is_session_id
from leflux.chat.erasure import Erasure
from leflux.chat.joining import Joining
from leflux.chat.policy import Policy
from leflux.chat.ports import ChatPorts, VisitorSocket
from leflux.chat.untrusted import BYTES_PER_START, encode_context, encode_prior
from leflux.protocol import Problem
from leflux.sites.registry import Site

INTERNAL_ID = "~"
"""Starts the idempotency keys that the server makes; a client's key cannot."""
SITES = 256
"""How many sites' retention rules are kept in the form that visitors get."""


class _CheckedMessage(msgspec.Struct):
    id: str
    seq: int
    role: str
    text: str


_decode_checked = msgspec.json.Decoder(_CheckedMessage).decode


def history_check(messages: Iterable[bytes]) -> int:
    """The CRC-32 of a line `id,seq,role,text` for each message, in UTF-8. It finds accidents, not attacks."""
    lines = map(_decode_checked, messages)
    return zlib.crc32("".join(f"{line.id},{line.seq},{line.role},{line.text}\n" for line in lines).encode())


class Chat:
    """What a visitor can do, for the HTTP calls and the socket events alike. `join` and `leave`: see `Joining`;
    `erase`: see `Erasure`.

    Raises `Problem` for what a client did wrong and the errors of `backends.errors` for the rest.
    """

    def __init__(self, ports: ChatPorts) -> None:
        self._ports = ports
        self._store = ports.storage.sessions
        self._policy = ports.policy
        self.lookups = ports.rates.lookups
        self._retention = lru_cache(SITES)(Policy.retention)
        self._limits = protocol.Limits(message_chars=ports.limits.message_chars)
        joining = Joining(ports)
        self.join, self.leave = joining.join, joining.leave
        self.erase = Erasure(
            storage=ports.storage,
            policy=ports.policy,
            pages=ports.sockets,
            answering=ports.answering,
            events=ports.events,
        ).erase

    def ref(self, site_id: str, session_id: str) -> SessionRef:
        """`session_id` under the rules its site has now. Raises `invalid_session_id`."""
        return SessionRef(site_id, checked_session_id(session_id), self._policy(site_id).idle_ttl)

    async def start(self, site: Site, request: protocol.InitRequest, address: str) -> protocol.InitAnswer:
        """Start a session. One that `continues` another goes on from what the browser still holds."""
        prior = encode_prior(request.prior_history)
        await self._ports.rates.starts.spend(address, 1 + len(prior or b"") // BYTES_PER_START)
        policy, continues = self._policy(site.id), request.continues
        new = NewSession(
            visitor_id=request.visitor_id,
            continues=continues if continues and is_session_id(continues) else None,
            prior=prior,
        )
        session = await self._store.create(policy.ref(site.id, str(uuid4())), new)
        if self._ports.events is not None:
            data = {"visitorId": new.visitor_id, "page": request.website_url}
            await self._ports.events.record(ChatEvent("conversation.started", site.id, session.session_id, data=data))
        self._ports.counter.restored(site.id, "new" if continues is None else "partial")
        return protocol.InitAnswer(
            session_id=session.session_id,
            created_at=session.created_at,
            seq=0,
            history=[],
            site_config=self._ports.config(site.id),
            retention=self._retention(policy),
            message_log=policy.message_log,
            limits=self._limits,
        )

    async def restore(self, site: Site, session_id: str, wanted: protocol.RestoreRequest) -> protocol.RestoreAnswer:
        """The session as a new page shows it, after `since`, or from the start when the `check` does not fit."""
        began, since = time.monotonic(), wanted.since
        snapshot = await self._snapshot(self.ref(site.id, session_id), wanted)
        if snapshot is None:
            since = 0
            snapshot = await self._store.restore(self.ref(site.id, session_id), 0, protocol.HISTORY_LIMIT)
        info = await self._info(site, snapshot)
        is_partial = len(snapshot.messages) < snapshot.session.seq - since
        took = 1000 * (time.monotonic() - began)
        self._ports.counter.restored(site.id, "partial" if is_partial else "full", took)
        history = list(map(Raw, snapshot.messages))
        return protocol.RestoreAnswer(**info, truncated=is_partial, history=history, since=since)

    async def _snapshot(self, ref: SessionRef, wanted: protocol.RestoreRequest) -> Snapshot | None:
        """The session after `since`; None when the browser's messages are not the store's."""
        since, first = wanted.since, wanted.first
        if wanted.check is None:
            return await self._store.restore(ref, since, protocol.HISTORY_LIMIT)
        held = since - first + 1
        if not 0 < held <= protocol.HISTORY_LIMIT or first == 0:
            return None
        snapshot = await self._store.restore(ref, first - 1, 2 * protocol.HISTORY_LIMIT)
        is_near = 0 <= snapshot.session.seq - since <= protocol.HISTORY_LIMIT
        if not is_near or history_check(snapshot.messages[:held]) != wanted.check:
            return None
        return msgspec.structs.replace(snapshot, messages=snapshot.messages[held:])

    async def info(self, site: Site, session_id: str) -> protocol.SessionInfo:
        """The session without its history."""
        snapshot = await self._store.restore(self.ref(site.id, session_id), 0, 0)
        return protocol.SessionInfo(**await self._info(site, snapshot), truncated=False)

    async def _info(self, site: Site, snapshot: Snapshot) -> dict[str, Any]:
        session, policy = snapshot.session, self._policy(site.id)
        return {
            "session_id": session.session_id,
            "restored": True,
            "created_at": session.created_at,
            "last_activity": session.last_activity,
            "seq": session.seq,
            "task": None if snapshot.task is None else Raw(snapshot.task.body),
            "streams": await self._streams(session),
            "site_config": self._ports.config(site.id),
            "retention": self._retention(policy),
            "message_log": policy.message_log,
            "limits": self._limits,
        }

    async def _streams(self, session: Session) -> list[protocol.Stream]:
        return await self._ports.streams(session) if session.asked > session.answered else []

    async def messages(self, site: Site, session_id: str, since: int, limit: int) -> protocol.MessagePage:
        """One page of the history. A page that asks from the middle and reaches the end closes a gap, which counts."""
        found = await self._store.messages(self.ref(site.id, session_id), since, limit + 1)
        if since and 0 < len(found) <= limit:
            self._ports.counter.missed(site.id)
        return protocol.MessagePage(messages=list(map(Raw, found[:limit])), more=len(found) > limit)

    async def say(self, socket: VisitorSocket, request: protocol.SendMessage) -> protocol.Sent:
        """Store what the visitor said through the socket, once for each `clientMessageId`."""
        own(socket, request.session_id)
        stored = await self._say(socket.site, request, socket.address, socket.epoch)
        if stored.seq == socket.seq + 1 and stored.earlier is None:
            socket.seq = stored.seq
        locate(socket, request.context)
        return protocol.Sent(stored.id, stored.seq, session_id=stored.earlier or UNSET)

    async def post(self, site: Site, request: protocol.SendMessage, address: str) -> protocol.Chatted:
        """Store what the visitor said by HTTP, and show it on the session's page."""
        checked_session_id(request.session_id)
        stored = await self._say(site, request, address, None)
        if stored.created:
            await self._ports.sockets.emit(request.session_id, protocol.MESSAGE, Raw(stored.body), stored.seq)
        return protocol.Chatted(stored.id, stored.seq, session_id=stored.earlier or UNSET)

    async def _say(self, site: Site, request: protocol.SendMessage, address: str, epoch: int | None) -> Appended:
        ports, session_id = self._ports, request.session_id
        await ports.rates.session.spend(session_id)
        await ports.rates.address.spend(address)
        self._check_text(request.text)
        context = None if request.context is None else encode_context(request.context, self._ports.limits.context_bytes)
        policy = self._policy(site.id)
        ref = SessionRef(site.id, session_id, policy.idle_ttl)
        stored = await self._store.append(ref, _draft(request, ports.answering.replies, policy.message_log), epoch)
        if stored.earlier is None and ports.events is not None:
            await ports.events.record(_received(site.id, request, stored, policy.message_log))
        ports.counter.said(site.id, stored.created)
        if context is not None and stored.created:
            # The message is stored and must be acknowledged, whether or not the page's description is.
            with suppress(StorageError):
                await self._store.set_context(ref, context, epoch)
        if ports.answering.replies:
            ports.answering.wake(site.id, session_id)
        return stored

    def _check_text(self, text: str) -> None:
        limit = self._limits.message_chars
        if not text.strip():
            raise Problem("invalid_message", "A message needs some text.")
        if len(text) > limit:
            raise Problem(
                "invalid_message",
                f"A message has at most {limit} characters; this one has {len(text)}.",
                limit=limit,
                length=len(text),
            )
        if "\x00" in text:
            raise Problem("invalid_message", "A message cannot hold the character NUL.")

    async def stop_reply(self, socket: VisitorSocket, session_id: str) -> None:
        """End the reply that is being written: the visitor wants no more of it. A socket that leaves ends none."""
        await self._ports.stop(own(socket, session_id))

    async def set_context(self, socket: VisitorSocket, session_id: str, context: dict[str, Any]) -> SessionRef:
        """Keep what the page looks like now, for the agent. Untrusted; at most `context_bytes` of JSON."""
        ref = self.ref(socket.site.id, own(socket, session_id))
        await self._store.set_context(ref, encode_context(context, self._ports.limits.context_bytes), socket.epoch)
        locate(socket, context)
        return ref


def own(socket: VisitorSocket, session_id: str) -> str:
    """`session_id` when the socket has joined it. Raises `invalid_session_id` or `not_owner`."""
    if socket.session_id != session_id:
        checked_session_id(session_id)
        raise Problem("not_owner", "This socket has not joined the session.")
    return session_id


def locate(socket: VisitorSocket, context: dict[str, Any] | None) -> None:
    """Remember the page that a description names."""
    url = (context or {}).get("url")
    if isinstance(url, str) and len(url) <= protocol.URL_CHARS:
        socket.url = url


def reply_key(question_seq: int) -> str:
    """The idempotency key of the one outcome that a visitor's message may have."""
    return f"{INTERNAL_ID}reply:{question_seq}"


def _received(site_id: str, request: protocol.SendMessage, stored: Appended, logged: bool) -> ChatEvent:
    data = {"messageId": stored.id, "seq": stored.seq} | ({"text": request.text} if logged else {})
    return ChatEvent("message.received", site_id, request.session_id, stored.seq, data)


def _draft(request: protocol.SendMessage, opens_turn: bool, logged: bool) -> Draft:
    message = protocol.Message(
        id=str(uuid4()), role="visitor", text=request.text, client_message_id=request.client_message_id
    )
    return Draft(
        id=message.id,
        role="visitor",
        text=request.text,
        body=msgspec.json.encode(message),
        client_message_id=request.client_message_id,
        fingerprint=hashlib.blake2b(request.text.encode(), digest_size=16).hexdigest(),
        renews=True,
        opens_turn=opens_turn,
        logged=logged,
    )
