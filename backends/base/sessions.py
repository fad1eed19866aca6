"""The storage of sessions, cut by purpose. A consumer names the part that it needs."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from backends.records import (
    Appended,
    Deletion,
    Draft,
    Erased,
    LogEntry,
    NewSession,
    Session,
    SessionRef,
    Snapshot,
    Swept,
    Taking,
    Task,
)

MOST = 1_000_000
"""More lines than any outbox is asked for."""


class Sessions(Protocol):
    """The life cycle of sessions, and which socket holds each."""

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        """Store an empty session.

        S4  A taken or tombstoned id raises `SessionExists` and changes nothing.
        """

    async def load(self, ref: SessionRef) -> Session:
        """Read a session without its messages.

        S5  Reading is not activity: it renews nothing.
        """

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        """Read a session, its task and its newest `limit` messages with `seq > since`, as of one moment.

        S6  Messages come oldest first, without gaps, each as `append` returned it. Costs one round trip.
        """

    async def claim(self, ref: SessionRef, holder: str, since: int, limit: int) -> Snapshot:
        """Make `holder` the one socket that holds the session, and restore.

        S7  Each claim raises the epoch by one, also when a hundred race; the newest one holds the session. It returns
            the holder until then, unless that one has released. Not activity.
        """

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        """Leave the session without a holder. True when it was held with this epoch.

        S8  A release by an older epoch changes nothing and raises nothing; the epoch stays.
        """

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        """Erase the session with everything that belongs to it, and its outbox records.

        S20  A deletion wins every race: afterwards nothing of the session can be read or written by its id,
             which raises `SessionDeleted` for `tombstone` seconds.
        S21  An unknown id raises `SessionNotFound` and leaves nothing behind, unless `bury_absent`: then it is
             tombstoned, its outbox records and what is left of an idle session are erased, and
             `Erased.sessions` is 0. A session of another site is not touched by either.
        S26  A deletion is listed in `deletions` from the step that stores the tombstone until `deletion_done`. A repeat
             returns an empty `Erased` until then, and raises `SessionDeleted` afterwards.
        """

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        """Evict up to `limit` sessions that are idle too long by their site's rule; report what is due.

        S22  An evicted session is gone save for its undelivered outbox records and its keys (S25). A site that is
             not in `idle_ttls` is left alone: nothing of it is evicted or reported. `overdue` names tasks whose
             `deadline` has passed while `running` or `held`; `orphaned` names sessions with an open question and
             no live lease.
        S25  The idempotency keys that have a fingerprint outlive the eviction by `keys_for` seconds, without the text:
             see S10.
        """

    async def active(self) -> int:
        """How many sessions are stored.

        S27  A recent estimate is enough.
        """


class Messages(Protocol):
    """What was said in a session, and the page it was said on."""

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        """Store one message, in one atomic step.

        S9   `seq` counts 1, 2, 3 … without gaps, whoever appends; `ts` never decreases within a session.
        S10  A known `client_message_id` with the same (or no) fingerprint returns the first message, with
             `created` False, and changes nothing; with another one it raises `DuplicateIdConflict`. A repeat is
             recognised before the fence, so an older epoch gets this answer too. An id with a fingerprint is also
             known when a session that this one `continues`, directly or through others, has it or had it when it was
             evicted (S25): then `earlier` names that session, and `body` is empty.
        S11  What is returned is durable: it survives the death of this process at the next instruction
             (memory excepted) and is in every later `restore` and `messages`.
        S12  `renews` moves `last_activity`; nothing else does, save `swap_task` with `renews`.
        S13  `opens_turn` moves `asked` to this seq. `closes_turn` moves `answered` up to that seq, sets
             `attempts` to 0, and drops the lease when no question is left open.
        S14  A `logged` message reaches the permanent log: in the same step when the log shares the store, else
             through the outbox record written in the same step. A message that is not logged leaves no trace of
             its text in either.
        S15  The cost does not grow with the number of messages.
        """

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        """The oldest `limit` messages with `seq > since`, oldest first.

        S16  Same bytes and order as `restore`.
        """

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        """Keep the latest page context (JSON). Not activity.

        S17  `context` returns the last one stored.
        """

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        """The page context (S17), and the `prior` history that the session was created with."""


class TakeOvers(Protocol):
    """Which person of the site has a session, so that the agent is silent in it. Times by the store's clock."""

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        """Give the session to `account`, who is shown as `name`. Not activity.

        S29  Of accounts that race, exactly one gets a free session. The others, and whoever comes later, get
             `SessionTaken` with the person who has it, unless they `force`. A repeat by the account that has it
             changes its name and its time only. `load`, `restore`, `claim` and `lease` say who has it.
        S30  Taking closes what is open, and drops its lease. From then on, also after a hand-back, an answer to
             anything up to here (`closes_turn`) raises `SessionTaken` when it is appended, unless it is a repeat. While
             a person has the session, `opens_turn` opens nothing, and what would have opened counts as answered.
        S31  A draft with an `account` is stored only while this account has the session, else `append` raises
             `NotTaken`; a repeat is recognised before (S10). Storing it gives the account `silence` seconds more. The
             session is free when they have passed, or when it is evicted or deleted.
        """

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        """Free the session. S32  False, and nothing is changed, when `account` does not have it."""


class Tasks(Protocol):
    """The one task of a session."""

    async def task(self, ref: SessionRef) -> Task | None:
        """The session's task as `swap_task` stored it (S18), whatever its status."""

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        """Replace the task if the stored version is `expect` (0: there is none); returns it with its new version.

        S18  Of writers that race with one `expect`, exactly one wins; the others get `VersionConflict`.
        """


class Leases(Protocol):
    """The right to answer the open question of a session."""

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        """Take, or renew, the lease; None when no question is open or another worker holds the lease.

        S19  At most one worker holds the lease at a time; it lapses after `seconds`. Taking it adds one to
             `attempts`; renewing does not.
        """

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        """Give the lease back, if `worker` holds it (S19). Never raises for a session that is gone."""

    async def heartbeat(self, worker: str, seconds: float) -> None:
        """Say that `worker` lives for `seconds` more; 0 takes it off the list of workers.

        S28  `sweep` drops the leases of workers whose last heartbeat has run out, and reports their open turns as
             `orphaned`. A worker that is not on the list keeps its leases until they lapse (S19).
        """


class Outbox(Protocol):
    """What still has to reach the log: lines, and deletions."""

    async def outbox(self, limit: int) -> list[LogEntry]:
        """The oldest undelivered log lines, evicted sessions first. Empty when the log shares the store.

        S23  Within one session, lines come in `seq` order.
        """

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        """Drop lines that the log has stored. S24  Repeating it, or naming unknown lines, changes nothing."""

    async def outbox_size(self) -> int:
        """How many lines wait: those that `outbox_done` has not dropped (S24)."""

    async def deletions(self, limit: int) -> list[Deletion]:
        """Up to `limit` deletions that the log has not confirmed (S26)."""

    async def deletion_done(self, deletion: Deletion) -> None:
        """The log has confirmed a deletion (S26). Repeating it, or naming an unknown one, changes nothing."""


class SessionStore(Sessions, Messages, TakeOvers, Tasks, Leases, Outbox, Protocol):
    """Everything about sessions. A store that inherits from this class may leave out what has a default here.

    Every verb that takes a `ref` raises `SessionNotFound` for an id that is unknown, evicted, idle for longer
    than `ref.idle_ttl` or of another site (S1), and `SessionDeleted` for a deleted one of this site (S2).
    A verb that takes an `epoch` raises `NotOwner` when it is older than the session's (S3); None is not fenced.
    """

    async def load(self, ref: SessionRef) -> Session:
        return (await self.restore(ref, 0, 0)).session

    async def task(self, ref: SessionRef) -> Task | None:
        return (await self.restore(ref, 0, 0)).task

    async def outbox_size(self) -> int:
        return len(await self.outbox(MOST))
