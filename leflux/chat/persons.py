"""What a person of the site does in a conversation: take it, speak in it, and hand it back."""

import hashlib
import re
from uuid import uuid4

import msgspec
from msgspec import Struct

from backends.base import Storage
from backends.errors import NotTaken, SessionNotFound, SessionTaken
from backends.records import Appended, AuditEntry, Draft, Person, SessionRef
from leflux import protocol
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.chat.ports import ChatPorts, News, NewsKind
from leflux.chat.untrusted import INTERNAL_ID
from leflux.common.server_key import ServerKey
from leflux.protocol import Problem

NAME_CHARS = 60
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Speaker(Struct, frozen=True):
    """Who acts: the account, which visitors never see."""

    site_id: str
    account: str


class Persons:
    """Every deed is fenced by the store (S29 to S32). What follows it only tells, and may be lost."""

    def __init__(self, ports: ChatPorts) -> None:
        self._ports = ports
        self._store = ports.storage.sessions
        self._ids = ConversationIdSource(ServerKey(ports.storage.settings))

    async def take(self, by: Speaker, session_id: str, name: str | None, force: bool = False) -> Person:
        """Give the conversation to a person: the agent is silent from now on, also in a reply that it is writing.

        Raises `taken`, `session_evicted`, and the errors of the store.
        """
        policy = self._ports.policy(by.site_id)
        ref = policy.ref(by.site_id, session_id)
        shown = checked_name(name) if name is not None else name_of(by.account)
        try:
            taking = await self._store.take(ref, by.account, shown, policy.person_silence, force)
        except SessionTaken as taken:
            raise _taken(taken) from None
        except SessionNotFound:
            raise await evicted(self._ports.storage, ref) from None
        if taking.is_new:
            who = taking.taken_from.account if taking.taken_from is not None else None
            await self._note(by, ref, "session.taken", {"name": shown, "takenFrom": who})
        # Repeated with each call, so that a call whose end was lost can be repeated.
        await self._ports.tasks.pause(ref)
        await self._tell(ref, "taken", taking.person.name)
        return taking.person

    async def say(self, by: Speaker, session_id: str, client_message_id: str, text: str) -> Appended:
        """Store what the person says, once for each `client_message_id`, and show it to the visitor.

        Raises `not_taken`, `invalid_message`, `session_evicted`, and the errors of the store.
        """
        policy = self._ports.policy(by.site_id)
        ref = policy.ref(by.site_id, session_id)
        protocol.checked_text(text, self._ports.limits.message_chars)
        try:
            person = (await self._store.load(ref)).person
            name = person.name if person is not None and person.account == by.account else name_of(by.account)
            draft = _draft(by, name, client_message_id, text, policy.message_log)
            stored = await self._store.append(ref, draft)
        except NotTaken:
            raise not_taken() from None
        except SessionNotFound:
            raise await evicted(self._ports.storage, ref) from None
        if stored.created:
            await self._ports.sockets.emit(session_id, protocol.MESSAGE, msgspec.Raw(stored.body), stored.seq)
            await self._tell(ref, "said")
        return stored

    async def release(self, by: Speaker, session_id: str) -> None:
        """Hand the conversation back: the agent answers from the next message on. Raises `not_taken`."""
        ref = self._ports.policy(by.site_id).ref(by.site_id, session_id)
        try:
            is_back = await self._store.hand_back(ref, by.account)
        except SessionNotFound:
            raise await evicted(self._ports.storage, ref) from None
        if not is_back:
            raise not_taken()
        await self._note(by, ref, "session.released", {})
        await self._tell(ref, "free")

    async def session_id(self, conversation: str) -> str:
        """The session that a conversation id names. Raises `invalid_session_id` and `session_not_found`."""
        return (await self._ids.get()).session_id(conversation)

    async def seen(self, site_id: str, session_id: str) -> None:
        """Check that a person may look on: the session is live and of this site. Raises the errors of the store."""
        await self._store.load(self._ports.policy(site_id).ref(site_id, session_id))

    async def types(self, by: Speaker, session_id: str, typing: bool) -> None:
        """Show the visitor that the person types, or has stopped. A hint: nothing is stored."""
        ref = self._ports.policy(by.site_id).ref(by.site_id, session_id)
        person = (await self._store.load(ref)).person
        if person is None or person.account != by.account:
            raise not_taken()
        await self._tell(ref, "person_typing" if typing else "person_still", person.name)

    async def _tell(self, ref: SessionRef, kind: NewsKind, name: str = "") -> None:
        await self._ports.news.told(News(kind, ref.site_id, ref.session_id, name))

    async def _note(self, by: Speaker, ref: SessionRef, action: str, details: dict[str, str | None]) -> None:
        conversation_id = (await self._ids.get()).of(ref.session_id)
        entry = AuditEntry(by.account, action, {"conversationId": conversation_id, **details})
        await self._ports.storage.settings.audit(ref.site_id, entry)


def checked_name(name: str) -> str:
    """The name that a visitor sees. Raises `invalid_request`."""
    shown = " ".join(_CONTROLS.sub(" ", name).split())
    if not 1 <= len(shown) <= NAME_CHARS:
        raise Problem("invalid_request", f"A name has 1 to {NAME_CHARS} characters.", path="$.name")
    return shown


def name_of(account: str) -> str:
    """The name that an account's address suggests: `ann.smith@…` is shown as Ann Smith."""
    words = re.split(r"[._\-+]+", account.partition("@")[0])
    return " ".join(word.capitalize() for word in words if word)[:NAME_CHARS] or "?"


async def evicted(storage: Storage, ref: SessionRef) -> Exception:
    """The error of a session that is not there: `session_evicted` when the log still has the conversation."""
    if await storage.log.session(ref.site_id, ref.session_id) is not None:
        return Problem("session_evicted", "The visitor has left: this conversation is over and can only be read.")
    return SessionNotFound(ref.session_id)


def not_taken() -> Problem:
    return Problem("not_taken", "You do not have this conversation. Take it first.")


def _taken(taken: SessionTaken) -> Problem:
    person = {"name": taken.name, "since": taken.since}
    return Problem("taken", f"{taken.name} has this conversation.", person=person)


def _draft(by: Speaker, name: str, client_message_id: str, text: str, logged: bool) -> Draft:
    message = protocol.Message(id=str(uuid4()), role="assistant", text=text, kind="person", data={"name": name})
    return Draft(
        id=message.id,
        role=message.role,
        text=text,
        body=msgspec.json.encode(message),
        client_message_id=f"{INTERNAL_ID}person:{by.account}:{client_message_id}",
        fingerprint=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        kind="person",
        logged=logged,
        account=by.account,
    )
