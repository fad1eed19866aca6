"""The life of a conversation: start, restore, join, say, purge. No socket and no HTTP in it."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from msgspec import Raw

from backends.base import Storage
from backends.errors import SessionDeleted, SessionNotFound, StorageError
from backends.records import Appended, Draft, Erased, NewSession, Session, SessionRef, Snapshot, Task
from leflux import wire
from leflux.privacy import Policy
from leflux.problems import Problem

INTERNAL_ID = "~"
"""Starts the idempotency keys that the server makes; a client's key cannot."""


class Site(Protocol):
    """What a conversation needs to know of the site it belongs to."""

    @property
    def id(self) -> str: ...


class Caps(Protocol):
    """The size limits of PROTOCOL §4."""

    @property
    def message_chars(self) -> int: ...
    @property
    def context_bytes(self) -> int: ...


Streams = Callable[[Session], Awaitable[list[wire.Stream]]]
"""The replies that are being written in a session, in whichever process."""
VISIBLE_TEXT_CHARS = 5_000


class Conversations:
    """Every verb a visitor has, for the HTTP calls and the socket events alike. `replies`: an agent answers.

    Raises `Problem` for what a client did wrong and the errors of `backends.errors` for the rest.
    """

    def __init__(
        self,
        storage: Storage,
        policy: Callable[[str], Policy],
        config: Callable[[str], dict[str, Any]],
        caps: Caps,
        streams: Streams,
        replies: bool,
    ) -> None:
        self._store = storage.sessions
        self._log = storage.log
        self._policy = policy
        self._config = config
        self._caps = caps
        self._streams = streams
        self.replies = replies

    def ref(self, site_id: str, session_id: str) -> SessionRef:
        """`session_id` under the rules its site has now. Raises `invalid_session_id`."""
        return SessionRef(site_id, wire.session_id(session_id), self._policy(site_id).idle_ttl)

    async def start(self, site: Site, request: wire.InitRequest) -> wire.InitAnswer:
        policy = self._policy(site.id)
        continues = request.continues
        prior = msgspec.json.encode(request.prior_history) if request.prior_history else None
        session = await self._store.create(
            SessionRef(site.id, str(uuid4()), policy.idle_ttl),
            NewSession(
                visitor_id=request.visitor_id,
                continues=continues if continues and wire.is_session_id(continues) else None,
                prior=prior,
            ),
        )
        return wire.InitAnswer(
            session_id=session.session_id,
            created_at=session.created_at,
            seq=0,
            history=[],
            site_config=self._config(site.id),
            retention=policy.retention(),
            message_log=policy.message_log,
        )

    async def restore(self, site: Site, session_id: str, since: int) -> wire.RestoreAnswer:
        snapshot = await self._store.restore(self.ref(site.id, session_id), since, wire.HISTORY_LIMIT)
        return wire.RestoreAnswer(**await self._info(site, snapshot, since), history=_raw(snapshot.messages))

    async def info(self, site: Site, session_id: str) -> wire.SessionInfo:
        snapshot = await self._store.restore(self.ref(site.id, session_id), 0, 0)
        return wire.SessionInfo(**await self._info(site, snapshot, 0) | {"truncated": False})

    async def _info(self, site: Site, snapshot: Snapshot, since: int) -> dict[str, Any]:
        session = snapshot.session
        policy = self._policy(site.id)
        return {
            "session_id": session.session_id,
            "restored": True,
            "created_at": session.created_at,
            "last_activity": session.last_activity,
            "seq": session.seq,
            "truncated": _truncated(snapshot, since),
            "task": _task(snapshot.task),
            "streams": await self._streams(session),
            "site_config": self._config(site.id),
            "retention": policy.retention(),
            "message_log": policy.message_log,
        }

    async def messages(self, site: Site, session_id: str, since: int, limit: int) -> wire.MessagePage:
        found = await self._store.messages(self.ref(site.id, session_id), since, limit + 1)
        return wire.MessagePage(messages=_raw(found[:limit]), more=len(found) > limit)

    async def claim(self, site: Site, request: wire.JoinSession, owner: str) -> Snapshot:
        """Make the socket `owner` the only one of the session; its epoch fences all that it writes."""
        ref = self.ref(site.id, request.session_id)
        return await self._store.claim(ref, owner, request.since, wire.HISTORY_LIMIT)

    async def joined(self, snapshot: Snapshot, since: int, epoch: int) -> wire.Joined:
        """What the socket of `epoch` is told, once it sits where the session's events go."""
        return wire.Joined(
            session_id=snapshot.session.session_id,
            restored=True,
            seq=snapshot.session.seq,
            history=_raw(snapshot.messages),
            truncated=_truncated(snapshot, since),
            task=_task(snapshot.task),
            streams=await self._streams(snapshot.session),
            epoch=epoch,
        )

    async def read(self, site: Site, request: wire.JoinSession) -> Snapshot:
        """The session as it is by now, for a socket that has claimed it."""
        ref = self.ref(site.id, request.session_id)
        return await self._store.restore(ref, request.since, wire.HISTORY_LIMIT)

    async def leave(self, site: Site, session_id: str, epoch: int) -> None:
        """The socket of `epoch` is gone. A session that is gone as well is no error."""
        try:
            await self._store.release(self.ref(site.id, session_id), epoch)
        except (SessionNotFound, SessionDeleted):
            return

    async def say(self, site: Site, request: wire.SendMessage, epoch: int | None) -> Appended:
        """Store what the visitor said, once for each `clientMessageId`; acknowledge it only afterwards."""
        self._check_text(request.text)
        context = None if request.context is None else self._encode_context(request.context)
        ref = self.ref(site.id, request.session_id)
        appended = await self._store.append(ref, self._visitor_draft(site, request), epoch)
        if context is not None and appended.created:
            # The message is stored and must be acknowledged, whatever becomes of the page's description.
            with suppress(StorageError):
                await self._store.set_context(ref, context, epoch)
        return appended

    def _visitor_draft(self, site: Site, request: wire.SendMessage) -> Draft:
        message = wire.Message(
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
            opens_turn=self.replies,
            logged=self._policy(site.id).message_log,
        )

    def _check_text(self, text: str) -> None:
        limit = self._caps.message_chars
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

    async def set_context(self, site: Site, session_id: str, context: dict[str, Any], epoch: int | None) -> None:
        """Keep what the page looks like now, for the agent. Untrusted; at most `context_bytes` of JSON."""
        encoded = self._encode_context(context)
        await self._store.set_context(self.ref(site.id, session_id), encoded, epoch)

    def _encode_context(self, context: dict[str, Any]) -> bytes:
        try:
            encoded = msgspec.json.encode(context)
        except (OverflowError, ValueError):
            raise Problem("invalid_request", "A number in the context is too large.", path="$.context") from None
        if len(encoded) > self._caps.context_bytes:
            raise Problem(
                "payload_too_large",
                f"A context has at most {self._caps.context_bytes} bytes of JSON.",
                limit=self._caps.context_bytes,
            )
        visible = context.get("visibleText")
        if isinstance(visible, str) and len(visible) > VISIBLE_TEXT_CHARS:
            raise Problem(
                "invalid_request",
                f"visibleText has at most {VISIBLE_TEXT_CHARS} characters.",
                path="$.context.visibleText",
            )
        return encoded

    async def purge(self, site_id: str, session_id: str) -> wire.DeletedCounts:
        """Erase a session from every store; counts what was there.

        The tombstone comes first, so that nothing is added behind the eraser. A purge that died half-way is
        finished by the next one. Raises `SessionNotFound` when there was nothing left to erase.
        """
        ref = self.ref(site_id, session_id)
        tombstone = self._policy(site_id).tombstone()
        try:
            erased = await self._store.delete(ref, tombstone)
        except SessionDeleted:
            erased = Erased()
        except SessionNotFound:
            if await self._log.session(site_id, session_id) is None:
                raise
            erased = await self._store.delete(ref, tombstone, bury_absent=True)
        logged = await self._log.delete_session(site_id, session_id, tombstone)
        if not (erased.sessions or logged or erased.outbox):
            raise SessionNotFound(session_id)
        return wire.DeletedCounts(
            sessions=erased.sessions, messages=erased.messages, logged=logged + erased.outbox, tasks=erased.tasks
        )


def reply_key(question_seq: int) -> str:
    """The idempotency key of the one outcome that a visitor's message may have."""
    return f"{INTERNAL_ID}reply:{question_seq}"


def _raw(messages: list[bytes]) -> list[Raw]:
    return [Raw(message) for message in messages]


def _task(task: Task | None) -> Raw | None:
    return Raw(task.body) if task is not None else None


def _truncated(snapshot: Snapshot, since: int) -> bool:
    return len(snapshot.messages) < snapshot.session.seq - since
