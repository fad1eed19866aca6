"""Sessions in this process: the reference for the storage rules. They are lost when the process ends.

No verb awaits anything between its first read and its last write, so verbs do not need a lock.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from backends.base import SessionStore
from backends.clock import now_ms
from backends.errors import (
    NotOwner,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from backends.memory.log import MemoryLog
from backends.memory.session_record import (
    EvictedSession,
    SessionRecord,
    advanced,
    is_idle,
    is_overdue,
    snapshot,
)
from backends.memory.workers import MemoryWorkers
from backends.records import (
    MAX_EARLIER,
    Appended,
    Deletion,
    Draft,
    Erased,
    Key,
    LogEntry,
    NewSession,
    Session,
    SessionName,
    SessionRef,
    Snapshot,
    Swept,
    Taking,
    Task,
)
from backends.takeover import Taker, admitted, handed_back, taken
from backends.text import log_entry, stamp


class MemorySessions(SessionStore):
    """`SessionStore` on dicts. With `log`, lines go straight there; else to the outbox."""

    def __init__(self, log: MemoryLog | None) -> None:
        self._log = log
        self._records: dict[str, SessionRecord] = {}
        self._evicted: dict[str, EvictedSession] = {}
        self._tombstones: dict[str, dict[str, int]] = {}
        self._workers = MemoryWorkers()
        self._deletions: dict[tuple[str, str], Deletion] = {}
        self._outbox: OrderedDict[tuple[str, int], LogEntry] = OrderedDict()

    def _find(self, ref: SessionRef, epoch: int | None = None) -> SessionRecord:
        now = now_ms()
        if now < self._tombstones.get(ref.session_id, {}).get(ref.site_id, 0):
            raise SessionDeleted(ref.session_id)
        record = self._records.get(ref.session_id)
        if record is None or record.state.site_id != ref.site_id:
            raise SessionNotFound(ref.session_id)
        if is_idle(record.state, ref.idle_ttl, now):
            raise SessionNotFound(ref.session_id)
        if epoch is not None and epoch < record.state.epoch:
            raise NotOwner(ref.session_id)
        return record

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        now = now_ms()
        if ref.session_id in self._records or self._is_buried(ref.session_id, now):
            raise SessionExists(ref.session_id)
        state = Session(ref.session_id, ref.site_id, now, now, visitor_id=new.visitor_id, continues=new.continues)
        self._records[ref.session_id] = SessionRecord(state, prior=new.prior)
        return state

    def _is_buried(self, session_id: str, now: int) -> bool:
        return any(now < until for until in self._tombstones.get(session_id, {}).values())

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        return snapshot(self._find(ref), since, limit, now_ms())

    async def claim(self, ref: SessionRef, holder: str, since: int, limit: int) -> Snapshot:
        record = self._find(ref)
        taken_from = record.state.holder
        record.state = replace(record.state, epoch=record.state.epoch + 1, holder=holder)
        return replace(snapshot(record, since, limit, now_ms()), taken_from=taken_from)

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        record = self._find(ref)
        if record.state.epoch != epoch or record.state.holder is None:
            return False
        record.state = replace(record.state, holder=None)
        return True

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        record = self._find(ref)
        if (repeated := self._repeated(record, draft)) is not None:
            return repeated
        self._find(ref, epoch)
        draft, record.take_over = admitted(ref, record.take_over, draft, now_ms(), record.state.seq + 1)
        seq = record.state.seq + 1
        ts = record.last_ts = max(now_ms(), record.last_ts)
        body = stamp(draft.body, seq, ts)
        record.messages.append(body)
        if draft.client_message_id is not None:
            record.keys[draft.client_message_id] = Key(seq, draft.id, draft.fingerprint)
        record.state = advanced(record.state, draft, seq, ts)
        if record.state.answered >= record.state.asked:
            record.lease = None
        if draft.logged:
            self._deliver(log_entry(record.state, draft, seq, ts, body))
        return Appended(draft.id, seq, body, created=True)

    def _repeated(self, record: SessionRecord, draft: Draft) -> Appended | None:
        if draft.client_message_id is None:
            return None
        if (known := record.keys.get(draft.client_message_id)) is not None:
            return known.repeat(draft, record.messages[known.seq - 1])
        name = record.state.continues if draft.fingerprint is not None else None
        for _ in range(MAX_EARLIER):
            earlier = None if name is None else self._remembered(record.state.site_id, name)
            if name is None or earlier is None:
                break
            if (known := earlier.keys.get(draft.client_message_id)) is not None:
                return known.repeat(draft, earlier=name)
            name = earlier.continues
        return None

    def _remembered(self, site_id: str, session_id: str) -> EvictedSession | None:
        """The keys of a session, whether it is stored or evicted."""
        record = self._records.get(session_id)
        if record is None:
            found = self._evicted.get(session_id)
        else:
            found = EvictedSession(record.state.site_id, record.state.continues, record.keys, math.inf)
        return found if found is not None and found.site_id == site_id and now_ms() < found.until else None

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

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        record = self._find(ref)
        taker, state = Taker(account, name, silence, force), record.state
        record.take_over, taking = taken(ref, record.take_over, taker, state.seq, now_ms())
        record.state = replace(state, answered=max(state.answered, state.asked), attempts=0)
        record.lease = None
        return taking

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        record = self._find(ref)
        after = handed_back(record.take_over, account, now_ms())
        record.take_over = after or record.take_over
        return after is not None

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
        return record.session(now)

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        record = self._records.get(ref.session_id)
        if record is not None and record.state.site_id == ref.site_id and record.lease == worker:
            record.lease = None

    async def heartbeat(self, worker: str, seconds: float) -> None:
        self._workers.heartbeat(worker, seconds, now_ms())

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        found: SessionRecord | None = None
        if (ref.site_id, ref.session_id) in self._deletions:
            return Erased()
        try:
            found = self._find(ref)
        except SessionNotFound:
            if not bury_absent:
                raise
        left = self._records.get(ref.session_id)
        if left is not None and left.state.site_id == ref.site_id:
            del self._records[ref.session_id]
        if ref.session_id in self._evicted and self._evicted[ref.session_id].site_id == ref.site_id:
            del self._evicted[ref.session_id]
        self._deletions[ref.site_id, ref.session_id] = Deletion(ref.site_id, ref.session_id, tombstone)
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

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        now = now_ms()
        self._forget(now)
        self._workers.free_dead(self._records.values(), now)
        evicted: list[SessionName] = []
        overdue: list[SessionName] = []
        orphaned: list[SessionName] = []
        for session_id, record in list(self._records.items()):
            state = record.state
            name = SessionName(state.site_id, session_id)
            idle_ttl = idle_ttls.get(state.site_id)
            if idle_ttl is None:
                continue
            if is_idle(state, idle_ttl, now):
                if len(evicted) < limit:
                    del self._records[session_id]
                    keys = {key: known for key, known in record.keys.items() if known.fingerprint is not None}
                    until = now + keys_for * 1000
                    self._evicted[session_id] = EvictedSession(state.site_id, state.continues, keys, until)
                    evicted.append(name)
                continue
            if is_overdue(record.task, now):
                overdue.append(name)
            if state.asked > state.answered and not (record.lease is not None and now < record.lease_until):
                orphaned.append(name)
        return Swept(tuple(evicted), tuple(overdue[:limit]), tuple(orphaned[:limit]))

    def _forget(self, now: int) -> None:
        self._evicted = {name: evicted for name, evicted in self._evicted.items() if now < evicted.until}
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

    async def deletions(self, limit: int) -> list[Deletion]:
        return list(self._deletions.values())[:limit]

    async def deletion_done(self, deletion: Deletion) -> None:
        self._deletions.pop((deletion.site_id, deletion.session_id), None)
