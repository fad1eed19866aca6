"""Erases a conversation from every store, and tells the pages that show it.

The deletion is promised first, and carried to the log until the log has confirmed it.
"""

from collections.abc import Callable
from contextlib import suppress

import msgspec
from msgspec import UNSET, Struct, structs

from backends.base import Storage
from backends.errors import SessionDeleted, SessionNotFound, StoreUnavailable
from backends.records import AuditEntry, Deletion, Erased, SessionRef
from leflux import protocol
from leflux.chat.conversation_events import ChatEvent, ConversationEvents
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.chat.policy import Policy
from leflux.chat.ports import CancelPort, DeletionPort
from leflux.common.server_key import ServerKey

VISITOR = "visitor"

FOREVER = 1e9
"""Seconds: a deletion does not ask how long a session has been idle."""
PAGE = 500


class _Numbered(Struct):
    seq: int


class Erasing(Struct, frozen=True):
    """How far a deletion is. `logged`: lines of the log, each counted once. `pending`: the log has to confirm it."""

    erased: Erased
    logged: int = 0
    pending: bool = False


async def erase(
    storage: Storage, ref: SessionRef, tombstone: float, events: ConversationEvents | None = None
) -> Erasing:
    """Erase a session, live, evicted or only logged. While a store is away, `carry_deletions` does the rest.

    Raises `SessionNotFound` for an unknown id and when everything is erased already.
    """
    try:
        erased = await storage.sessions.delete(ref, tombstone)
    except SessionDeleted as error:
        raise SessionNotFound(ref.session_id) from error
    except SessionNotFound:
        # A log that is away may know the session: the deletion is accepted.
        with suppress(StoreUnavailable):
            if await storage.log.session(ref.site_id, ref.session_id) is None:
                raise
        erased = await storage.sessions.delete(ref, tombstone, bury_absent=True)
    try:
        before = await _logged_before(storage, ref, erased.outbox_from)
        logged = await _confirm(storage, Deletion(ref.site_id, ref.session_id, tombstone), events)
    except StoreUnavailable:
        return Erasing(erased, pending=True)
    # Lines of the outbox may have reached the log before: each counts once.
    return Erasing(erased, before + erased.outbox if erased.outbox else logged)


async def carry_deletions(
    storage: Storage, limit: int, seen: set[Deletion] | None = None, events: ConversationEvents | None = None
) -> bool:
    """Do what is left of up to `limit` deletions. True when there may be more. Raises `StoreUnavailable`.

    With `seen`, only those that the call before has seen: a new one may be just in work, and count its lines.
    """
    found = await storage.sessions.deletions(limit)
    due = found if seen is None else [deletion for deletion in found if deletion in seen]
    if seen is not None:
        seen.clear()
        seen.update(found)
    for deletion in due:
        ref = SessionRef(deletion.site_id, deletion.session_id, FOREVER)
        with suppress(SessionNotFound, SessionDeleted):
            await storage.sessions.delete(ref, deletion.tombstone)
        await _confirm(storage, deletion, events)
    return len(due) >= limit


async def _confirm(storage: Storage, deletion: Deletion, events: ConversationEvents | None) -> int:
    if events is not None and deletion.site_id in events.listening:
        await events.record(ChatEvent("conversation.deleted", deletion.site_id, deletion.session_id))
    lines = await storage.log.delete_session(deletion.site_id, deletion.session_id, deletion.tombstone)
    await storage.sessions.deletion_done(deletion)
    return lines


async def _logged_before(storage: Storage, ref: SessionRef, seq: int) -> int:
    """How many lines before `seq` the log has of a session. No writer adds to them any more."""
    count, since = 0, 0
    while since < seq:
        lines = await storage.log.messages(ref.site_id, ref.session_id, since, PAGE)
        seqs = [msgspec.json.decode(line, type=_Numbered).seq for line in lines]
        earlier = [number for number in seqs if number < seq]
        count += len(earlier)
        if len(earlier) < PAGE:
            break
        since = earlier[-1]
    return count


class Erasure:
    """The only way to erase a conversation, for visitors, owners and the command line."""

    def __init__(
        self,
        *,
        storage: Storage,
        policy: Callable[[str], Policy],
        pages: DeletionPort,
        answering: CancelPort | None = None,
        events: ConversationEvents | None = None,
    ) -> None:
        self._storage = storage
        self._ids = ConversationIdSource(ServerKey(storage.settings))
        self._policy = policy
        self._pages = pages
        self._answering = answering
        self._events = events

    async def erase(self, site_id: str, session_id: str, actor: str = VISITOR) -> protocol.DeleteAnswer:
        """Erase the session, stop its answering, tell its pages, and write down that `actor` did it.

        A store that is away has accepted the deletion: `pending` names it. Raises `SessionNotFound` when there is
        nothing left.
        """
        policy = self._policy(site_id)
        result = await erase(self._storage, policy.ref(site_id, session_id), policy.tombstone(), self._events)
        if self._answering is not None:
            self._answering.cancel(session_id)
        await self._pages.deleted(session_id)
        erased = result.erased
        counts = protocol.DeletedCounts(
            sessions=erased.sessions, messages=erased.messages, logged=result.logged, tasks=erased.tasks
        )
        await self._note(site_id, session_id, actor, counts)
        return protocol.DeleteAnswer(counts, pending=["log"] if result.pending else UNSET)

    async def _note(self, site_id: str, session_id: str, actor: str, counts: protocol.DeletedCounts) -> None:
        conversation_id = (await self._ids.get()).of(session_id)
        entry = AuditEntry(actor, "session.deleted", {"conversationId": conversation_id, **structs.asdict(counts)})
        await self._storage.settings.audit(site_id, entry)
