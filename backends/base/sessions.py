"""The storage protocol: three small asynchronous interfaces that are opened and closed as one.

Every promise has a number; the contract suite in `tests/contract/` cites the one it proves, and runs
unchanged on every backend. Rules of all three:

G1  A call either keeps its promise or raises an error of `backends.errors`; driver errors never escape.
G2  Every call ends within the deadline of the settings; `StoreUnavailable` then means *unknown*.
G3  A call that is repeated after `StoreUnavailable` with the same ids leaves what one call would have left.
G4  Time is the store's clock, the same for every process that shares the store.
G5  A cancelled call breaks nothing for the next one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from backends.records import (
    Appended,
    AuditEntry,
    DayCount,
    Draft,
    Erased,
    LogCount,
    LogEntry,
    LogPage,
    LogQuery,
    LogSession,
    NewSession,
    Session,
    SessionRef,
    Snapshot,
    Swept,
    Task,
    Versioned,
)


class SessionStore(Protocol):
    """Session state, history, page context and task.

    Every verb that takes a `ref` raises `SessionNotFound` for an id that is unknown, evicted, idle for longer
    than `ref.idle_ttl` or of another site (S1), and `SessionDeleted` for a purged one of this site (S2).
    A verb that takes an `epoch` raises `NotOwner` when it is older than the session's (S3); None is not fenced.
    """

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

        S6  Messages come oldest first, gapless, each as `append` returned it. Costs one round trip.
        """

    async def claim(self, ref: SessionRef, owner: str, since: int, limit: int) -> Snapshot:
        """Make `owner` the one socket of the session, and restore.

        S7  Each claim raises the epoch by one, also when a hundred race; the newest one owns, and is told who owned
            before it and has not released. Not activity.
        """

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        """Leave the session without an owner. True when it was still ours.

        S8  A release by an older epoch changes nothing and raises nothing; the epoch stays.
        """

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        """Store one message, in one atomic step.

        S9   `seq` counts 1, 2, 3 … without gaps, whoever appends; `ts` never runs backwards within a session.
        S10  A known `client_message_id` with the same (or no) fingerprint returns the first message, with
             `created` False, and changes nothing; with another one it raises `DuplicateIdConflict`. A repeat is
             recognised before the fence: it also answers an older epoch.
        S11  What is returned is durable: it survives the death of this process at the next instruction
             (memory excepted) and is in every later `restore` and `messages`.
        S12  `renews` moves `last_activity`; nothing else does, save `swap_task` with `renews`.
        S13  `opens_turn` moves `asked` to this seq. `closes_turn` moves `answered` up to that seq, sets
             `attempts` to 0, and drops the lease when no turn is left open.
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

        S17  The last one stored is what `context` answers.
        """

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        """The page context and the `prior` history the session was created with."""

    async def task(self, ref: SessionRef) -> Task | None:
        """The session's task, whatever its status."""

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        """Replace the task if the stored version is `expect` (0: there is none); returns it with its new version.

        S18  Of writers that race with one `expect`, exactly one wins; the others get `VersionConflict`.
        """

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        """Take, or renew, the right to answer the open turn; None when there is none or another worker holds it.

        S19  At most one worker holds the lease at a time; it lapses after `seconds`. Taking it counts one in
             `attempts`; renewing does not.
        """

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        """Give the lease back, if `worker` holds it. Never raises for a session that is gone."""

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        """Erase the session with everything that belongs to it, and its outbox records.

        S20  A purge wins every race: afterwards nothing of the session can be read or written by its id,
             which raises `SessionDeleted` for `tombstone` seconds.
        S21  An unknown id raises `SessionNotFound` and leaves nothing behind, unless `bury_absent`: then it is
             tombstoned, its outbox records and what is left of an idle session are erased, and
             `Erased.sessions` is 0. A session of another site is not touched by either.
        """

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int) -> Swept:
        """Evict up to `limit` sessions that are idle too long by their site's rule; report what is due.

        S22  An evicted session is gone save for its undelivered outbox records. A site that is not in
             `idle_ttls` is left alone: nothing of it is evicted or reported. `overdue` names tasks whose
             `deadline` has passed while `running` or `held`; `orphaned` names sessions with an open turn and
             no live lease.
        """

    async def active(self) -> int:
        """How many sessions are stored (a recent estimate will do)."""

    async def outbox(self, limit: int) -> list[LogEntry]:
        """The oldest undelivered log lines, evicted sessions first. Empty when the log shares the store.

        S23  Within one session, lines come in `seq` order.
        """

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        """Drop lines that the log has stored. S24  Repeating it, or naming unknown lines, is a no-op."""

    async def outbox_size(self) -> int:
        """How many lines wait."""


class MessageLog(Protocol):
    """The permanent record. Only a purge or a retention rule deletes from it."""

    async def append(self, entries: Sequence[LogEntry]) -> None:
        """Store lines.

        L1  A line whose `(session_id, seq)` is stored already is skipped: delivering twice leaves one.
        L2  A line of a deleted session is dropped, for as long as its tombstone lasts.
        """

    async def sessions(self, site_id: str, query: LogQuery) -> LogPage:
        """List a site's sessions, newest activity first.

        L3  Following `next_cursor` visits every session that did not change meanwhile exactly once. A cursor
            that no page gave raises `InvalidCursor`.
        L4  `query.words` matches whole words, case-insensitive, the last one also as a prefix; a session
            matches when one message holds them all. A word is a run of letters and digits, as
            `backends.text.words` cuts them; any other text is a separator, never a query operator. Without a
            word, every session matches.
        """

    async def session(self, site_id: str, session_id: str) -> LogSession | None:
        """One session's summary, or None."""

    async def continued_by(self, site_id: str, session_id: str) -> str | None:
        """The id of the session that named this one in `continues`, or None."""

    async def messages(self, site_id: str, session_id: str, since: int, limit: int) -> list[bytes]:
        """A session's lines as JSON, oldest first, with `seq > since`."""

    def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        """Every line of a site with `start <= ts < end`, by session and `seq` or by time.

        L5  Holds a bounded number of lines in memory, however long the log is.
        """

    async def days(self, site_id: str, start: int, end: int) -> list[DayCount]:
        """Counts of each whole UTC day that `start <= ts < end` touches and that has lines, oldest first."""

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        """Erase a session's lines, its index and its summary; returns how many lines.

        L6  No search, listing, count or export shows it afterwards. L2 holds from then on, also for a session
            the log has not seen yet; lines of another site's session are neither erased nor dropped.
        """

    async def count_older(self, site_id: str, before: int) -> LogCount:
        """What `delete_older` would erase: sessions whose last activity is before `before` (ms)."""

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        """Erase up to `limit` whole sessions whose last activity is before `before`; call until it erases none."""


class SettingsStore(Protocol):
    """Small documents under a name, changed by compare-and-set, and the audit trail."""

    async def get(self, name: str) -> Versioned | None:
        """The document, or None."""

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        """Replace the document if its version is `expect` (0: there is none).

        K1  Of writers that race with one `expect`, exactly one wins; the others get `VersionConflict`.
        """

    async def names(self, prefix: str) -> list[str]:
        """The names that start with `prefix`, sorted."""

    async def remove(self, name: str) -> bool:
        """Delete the document; False when there was none."""

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        """Add a line to the site's audit trail. K2  Lines are never changed or removed."""

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        """The newest lines, newest first, with `ts < before` when given."""


class Storage(Protocol):
    """The bundle that `open_storage` returns. `log_shares_store`: S14 needs no outbox."""

    @property
    def sessions(self) -> SessionStore: ...
    @property
    def log(self) -> MessageLog: ...
    @property
    def settings(self) -> SettingsStore: ...
    @property
    def log_shares_store(self) -> bool: ...

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless every store answers now."""

    async def close(self) -> None:
        """Finish what is in flight and release every resource. Calling it twice is a no-op."""
