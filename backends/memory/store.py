"""Everything in this process: the reference for the rules of `base`, and gone when the process ends.

No verb awaits anything between its first read and its last write, so the event loop itself is the one lock.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends import StoreSettings
from backends.clock import now_ms
from backends.errors import (
    DuplicateIdConflict,
    NotOwner,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from backends.memory_log import MemoryLog, MemorySettings
from backends.records import (
    Appended,
    Draft,
    Erased,
    LogEntry,
    NewSession,
    Session,
    SessionName,
    SessionRef,
    Snapshot,
    Swept,
    Task,
    log_entry,
)
from backends.text import stamp


async def open(settings: StoreSettings, log_shares_store: bool) -> "MemoryStorage":  # noqa: A001 - the protocol's name
    """A new, empty storage."""
    del settings
    return MemoryStorage(log_shares_store)


class MemoryStorage:
    """The bundle."""

    def __init__(self, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        self.log = MemoryLog()
        self.settings = MemorySettings()
        self.sessions = MemorySessions(self.log if log_shares_store else None)

    async def ping(self) -> None:
        return None

    async def close(self) -> None:
        return None


class _Record(Struct):
    state: Session
    messages: list[bytes] = []
    first_by_key: dict[str, tuple[int, str, str | None]] = {}
    prior: bytes | None = None
    context: bytes | None = None
    task: Task | None = None
    lease: str | None = None
    lease_until: int = 0
    last_ts: int = 0


class MemorySessions:
    """`SessionStore` on dicts. With `log`, lines go straight there; else to the outbox."""

    def __init__(self, log: MemoryLog | None) -> None:
        self._log = log
        self._records: dict[str, _Record] = {}
        self._tombstones: dict[str, dict[str, int]] = {}
        self._outbox: OrderedDict[tuple[str, int], LogEntry] = OrderedDict()

    def _find(self, ref: SessionRef, epoch: int | None = None) -> _Record:
        now = now_ms()
        if now < self._tombstones.get(ref.session_id, {}).get(ref.site_id, 0):
            raise SessionDeleted(ref.session_id)
        record = self._records.get(ref.session_id)
        if record is None or record.state.site_id != ref.site_id:
            raise SessionNotFound(ref.session_id)
        if _idle(record.state, ref.idle_ttl, now):
            raise SessionNotFound(ref.session_id)
        if epoch is not None and epoch < record.state.epoch:
            raise NotOwner(ref.session_id)
        return record

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        now = now_ms()
        if ref.session_id in self._records or self._is_buried(ref.session_id, now):
            raise SessionExists(ref.session_id)
        state = Session(ref.session_id, ref.site_id, now, now, visitor_id=new.visitor_id, continues=new.continues)
        self._records[ref.session_id] = _Record(state, prior=new.prior)
        return state

    def _is_buried(self, session_id: str, now: int) -> bool:
        return any(now < until for until in self._tombstones.get(session_id, {}).values())

    async def load(self, ref: SessionRef) -> Session:
        return self._find(ref).state

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        return _snapshot(self._find(ref), since, limit)

    async def claim(self, ref: SessionRef, owner: str, since: int, limit: int) -> Snapshot:
        record = self._find(ref)
        taken_from = record.state.owner
        record.state = replace(record.state, epoch=record.state.epoch + 1, owner=owner)
        return replace(_snapshot(record, since, limit), taken_from=taken_from)

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        record = self._find(ref)
        if record.state.epoch != epoch or record.state.owner is None:
            return False
        record.state = replace(record.state, owner=None)
        return True

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        record = self._find(ref)
        if draft.client_message_id is not None and (known := record.first_by_key.get(draft.client_message_id)):
            seq, message_id, fingerprint = known
            if draft.fingerprint is not None and draft.fingerprint != fingerprint:
                raise DuplicateIdConflict(draft.client_message_id)
            return Appended(message_id, seq, record.messages[seq - 1], created=False)
        self._find(ref, epoch)
        seq = record.state.seq + 1
        ts = record.last_ts = max(now_ms(), record.last_ts)
        body = stamp(draft.body, seq, ts)
        record.messages.append(body)
        if draft.client_message_id is not None:
            record.first_by_key[draft.client_message_id] = (seq, draft.id, draft.fingerprint)
        record.state = _advanced(record.state, draft, seq, ts)
        if record.state.answered >= record.state.asked:
            record.lease = None
        if draft.logged:
            self._deliver(log_entry(record.state, draft, seq, ts, body))
        return Appended(draft.id, seq, body, created=True)

    def _deliver(self, entry: LogEntry) -> None:
        if self._log is not None:
            self._log.store(entry)
        else:
            self._outbox[entry.session_id, entry.seq] = entry

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        return self._find(ref).messages[since : since + limit]

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        self._find(ref, epoch).context = context

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        record = self._find(ref)
        return record.context, record.prior

    async def task(self, ref: SessionRef) -> Task | None:
        return self._find(ref).task

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        record = self._find(ref, epoch)
        current = record.task.version if record.task is not None else 0
        if current != expect:
            raise VersionConflict(current)
        record.task = replace(task, version=current + 1)
        if renews:
            record.state = replace(record.state, last_activity=now_ms())
        return record.task

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        record = self._find(ref)
        now = now_ms()
        held = record.lease is not None and now < record.lease_until
        if record.state.asked <= record.state.answered or (held and record.lease != worker):
            return None
        if not held or record.lease != worker:
            record.state = replace(record.state, attempts=record.state.attempts + 1)
        record.lease = worker
        record.lease_until = now + int(seconds * 1000)
        return record.state

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        record = self._records.get(ref.session_id)
        if record is not None and record.lease == worker:
            record.lease = None

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        found: _Record | None = None
        try:
            found = self._find(ref)
        except SessionNotFound:
            if not bury_absent:
                raise
        left = self._records.get(ref.session_id)
        if left is not None and left.state.site_id == ref.site_id:
            del self._records[ref.session_id]
        self._tombstones.setdefault(ref.session_id, {})[ref.site_id] = now_ms() + int(tombstone * 1000)
        waiting = [
            key
            for key, entry in self._outbox.items()
            if entry.session_id == ref.session_id and entry.site_id == ref.site_id
        ]
        for key in waiting:
            del self._outbox[key]
        outbox = (len(waiting), min((seq for _, seq in waiting), default=0))
        if found is None:
            return Erased(0, 0, 0, *outbox)
        return Erased(1, found.state.seq, 1 if found.task is not None else 0, *outbox)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int) -> Swept:
        now = now_ms()
        self._forget_tombstones(now)
        evicted: list[SessionName] = []
        overdue: list[SessionName] = []
        orphaned: list[SessionName] = []
        for session_id, record in list(self._records.items()):
            state = record.state
            name = SessionName(state.site_id, session_id)
            idle_ttl = idle_ttls.get(state.site_id)
            if idle_ttl is None:
                continue
            if _idle(state, idle_ttl, now):
                if len(evicted) < limit:
                    del self._records[session_id]
                    evicted.append(name)
                continue
            if _is_overdue(record.task, now):
                overdue.append(name)
            if state.asked > state.answered and not (record.lease is not None and now < record.lease_until):
                orphaned.append(name)
        return Swept(tuple(evicted), tuple(overdue[:limit]), tuple(orphaned[:limit]))

    def _forget_tombstones(self, now: int) -> None:
        for session_id, graves in list(self._tombstones.items()):
            live = {site_id: until for site_id, until in graves.items() if now < until}
            if live:
                self._tombstones[session_id] = live
            else:
                del self._tombstones[session_id]

    async def active(self) -> int:
        return len(self._records)

    async def outbox(self, limit: int) -> list[LogEntry]:
        # False sorts first: lines of evicted sessions leave before the others.
        entries = sorted(self._outbox.values(), key=lambda entry: (entry.session_id in self._records, entry.ts))
        return entries[:limit]

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            self._outbox.pop((entry.session_id, entry.seq), None)

    async def outbox_size(self) -> int:
        return len(self._outbox)


def _idle(state: Session, idle_ttl: float, now: int) -> bool:
    return now >= state.last_activity + idle_ttl * 1000


def _is_overdue(task: Task | None, now: int) -> bool:
    live: tuple[Literal["running", "held"], ...] = ("running", "held")
    return task is not None and task.status in live and task.deadline is not None and now >= task.deadline


def _snapshot(record: _Record, since: int, limit: int) -> Snapshot:
    messages = record.messages[max(since, record.state.seq - limit) :]
    return Snapshot(record.state, messages, record.task)


def _advanced(state: Session, draft: Draft, seq: int, ts: int) -> Session:
    asked = seq if draft.opens_turn else state.asked
    answered = max(state.answered, draft.closes_turn or 0)
    return replace(
        state,
        seq=seq,
        last_activity=ts if draft.renews else state.last_activity,
        asked=asked,
        answered=answered,
        attempts=0 if draft.closes_turn is not None else state.attempts,
    )
