"""`SessionStore` on Firestore. Each verb that writes is one step on the session's document."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from backends.errors import DuplicateIdConflict, SessionCorrupt, SessionExists, SessionNotFound, VersionConflict
from backends.firestore_docs import SessionDoc, advance, decode, document_id, live, log_entry, message_id
from backends.firestore_lane import Lanes, Unit
from backends.firestore_lines import is_stored, store_line, summary_path
from backends.firestore_outbox import Outbox
from backends.firestore_purge import Eraser
from backends.firestore_rpc import Rpc, Until
from backends.firestore_tail import Bodies, Tail
from backends.records import Appended, Draft, Erased, LogEntry, NewSession, Session, SessionRef, Snapshot, Swept, Task
from backends.text import stamp

T = TypeVar("T")


class _Repeat(Struct, frozen=True):
    seq: int
    message: str


class FirestoreSessions:
    """`inline_log`: the log shares the database, so a line is written in the step that stores its message."""

    def __init__(self, rpc: Rpc, lanes: Lanes, inline_log: bool) -> None:
        self._rpc = rpc
        self._lanes = lanes
        self._inline_log = inline_log
        self._tail = Tail(rpc)
        self._outbox = Outbox(rpc)
        self._eraser = Eraser(rpc, lanes, self._outbox)

    def _path(self, session_id: str, *below: str) -> str:
        return self._rpc.path("sessions", document_id(session_id), *below)

    async def _change(
        self, ref: SessionRef, change: Callable[[SessionDoc, Unit], T], epoch: int | None = None, **options: Any
    ) -> T:
        """One step on a live session; what `change` did to the document is stored."""
        path = self._path(ref.session_id)

        def step(unit: Unit) -> T:
            document = live(unit.get(path), ref, unit.now, epoch)
            before = document.encode()
            result = change(document, unit)
            if (after := document.encode()) != before:
                unit.put(path, after)
            return result

        return await self._lanes.run(path, step, **options)

    async def _read(self, ref: SessionRef, *below: str) -> tuple[SessionDoc, list[dict[str, Any] | None]]:
        paths = [self._path(ref.session_id), *(self._path(ref.session_id, "parts", part) for part in below)]
        reading = await self._rpc.read(paths, self._rpc.until())
        first, *rest = (reading.documents[path].data for path in paths)
        return live(first, ref, reading.now), rest

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        path = self._path(ref.session_id)

        def step(unit: Unit) -> Session:
            _refuse_taken(unit.get(path), ref.session_id, unit.now)
            document = SessionDoc(
                id=ref.session_id,
                site=ref.site_id,
                created=unit.now,
                activity=unit.now,
                visitor=new.visitor_id,
                continues=new.continues,
            )
            unit.put(path, document.encode())
            if new.prior is not None:
                unit.put(self._path(ref.session_id, "parts", "prior"), {"value": new.prior})
            return document.session()

        return await self._lanes.run(path, step)

    async def load(self, ref: SessionRef) -> Session:
        document, _ = await self._read(ref)
        return document.session()

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        until = self._rpc.until()
        path = self._path(ref.session_id)
        reading, found = await asyncio.gather(
            self._rpc.read([path], until), self._tail.newest(ref.session_id, since, limit, until)
        )
        document = live(reading.documents[path].data, ref, reading.now)
        return await self._snapshot(ref, document, found, since, limit, until)

    async def claim(self, ref: SessionRef, owner: str, since: int, limit: int) -> Snapshot:
        until = self._rpc.until()

        def change(document: SessionDoc, unit: Unit) -> SessionDoc:
            document.epoch += 1
            document.owner = owner
            return replace(document)

        document, found = await asyncio.gather(
            self._change(ref, change, until=until), self._tail.newest(ref.session_id, since, limit, until)
        )
        return await self._snapshot(ref, document, found, since, limit, until)

    async def _snapshot(
        self, ref: SessionRef, document: SessionDoc, found: Bodies, since: int, limit: int, until: Until
    ) -> Snapshot:
        wanted = range(max(since, document.seq - limit) + 1, document.seq + 1)
        messages = await self._tail.complete(ref.session_id, found, wanted, until)
        if messages is None:
            await self.load(ref)
            raise SessionCorrupt(ref.session_id)
        return Snapshot(document.session(), messages, document.task)

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        until = self._rpc.until()
        path = self._path(ref.session_id)
        reading, found = await asyncio.gather(
            self._rpc.read([path], until), self._tail.oldest(ref.session_id, since, limit, until)
        )
        document = live(reading.documents[path].data, ref, reading.now)
        wanted = range(max(since, 0) + 1, min(document.seq, max(since, 0) + limit) + 1)
        messages = await self._tail.complete(ref.session_id, found, wanted, until)
        if messages is None:
            await self.load(ref)
            raise SessionCorrupt(ref.session_id)
        return messages

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        def change(document: SessionDoc, unit: Unit) -> bool:
            if document.epoch != epoch or document.owner is None:
                return False
            document.owner = None
            return True

        return await self._change(ref, change)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        path = self._path(ref.session_id)
        key = self._key_path(ref.session_id, draft.client_message_id)
        reads = [] if key is None else [key]
        if draft.logged and self._inline_log:
            reads.append(summary_path(self._rpc, ref.session_id))

        def step(unit: Unit) -> Appended | _Repeat:
            document = live(unit.get(path), ref, unit.now)
            if key is not None and (known := unit.get(key)) is not None:
                return _repeat(known, draft)
            live(unit.get(path), ref, unit.now, epoch)
            return self._store(unit, document, draft, key)

        until = self._rpc.until()
        result = await self._lanes.run(path, step, reads, until, operations=5, size=3 * len(draft.body))
        return result if isinstance(result, Appended) else await self._repeated(ref, result, until)

    def _key_path(self, session_id: str, client_message_id: str | None) -> str | None:
        if client_message_id is None:
            return None
        digest = hashlib.sha256(client_message_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self._path(session_id, "keys", digest)

    def _store(self, unit: Unit, document: SessionDoc, draft: Draft, key: str | None) -> Appended:
        seq = document.seq + 1
        ts = max(unit.now, document.last_ts)
        body = stamp(draft.body, seq, ts)
        advance(document, draft, seq, ts)
        unit.put(self._path(document.id), document.encode())
        unit.put(self._path(document.id, "messages", message_id(seq)), {"seq": seq, "body": body})
        if key is not None:
            unit.put(key, {"seq": seq, "message": draft.id, "fingerprint": draft.fingerprint})
        if draft.logged:
            self._log(unit, log_entry(document, draft, seq, ts, body))
        return Appended(draft.id, seq, body, created=True)

    def _log(self, unit: Unit, entry: LogEntry) -> None:
        if not self._inline_log:
            self._outbox.store(unit, entry)
        elif not is_stored(unit, self._rpc, entry):
            store_line(unit, self._rpc, entry)

    async def _repeated(self, ref: SessionRef, repeat: _Repeat, until: Until) -> Appended:
        bodies = await self._tail.complete(ref.session_id, {}, range(repeat.seq, repeat.seq + 1), until)
        if bodies is None:
            await self.load(ref)
            raise SessionCorrupt(ref.session_id)
        return Appended(repeat.message, repeat.seq, bodies[0], created=False)

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        def change(document: SessionDoc, unit: Unit) -> None:
            unit.put(self._path(ref.session_id, "parts", "context"), {"value": context})

        await self._change(ref, change, epoch, size=len(context))

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        _, (context, prior) = await self._read(ref, "context", "prior")
        return _value(context), _value(prior)

    async def task(self, ref: SessionRef) -> Task | None:
        document, _ = await self._read(ref)
        return document.task

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        def change(document: SessionDoc, unit: Unit) -> Task:
            current = document.task.version if document.task is not None else 0
            if current != expect:
                raise VersionConflict(current)
            document.task = replace(task, version=current + 1)
            if renews:
                document.activity = unit.now
            return document.task

        return await self._change(ref, change, epoch, size=len(task.body))

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        def change(document: SessionDoc, unit: Unit) -> Session | None:
            held = document.lease is not None and unit.now < document.lease_until
            if document.asked <= document.answered or (held and document.lease != worker):
                return None
            if not held:
                document.attempts += 1
            document.lease = worker
            document.lease_until = unit.now + int(seconds * 1000)
            return document.session()

        return await self._change(ref, change)

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        path = self._path(ref.session_id)

        def step(unit: Unit) -> None:
            data = unit.get(path)
            if data is None or data.get("lease") != worker:
                return
            document = decode(data, SessionDoc, ref.session_id)
            document.lease, document.lease_until = None, 0
            unit.put(path, document.encode())

        with suppress(SessionNotFound):
            await self._lanes.run(path, step)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        return await self._eraser.delete(ref, tombstone, bury_absent)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int) -> Swept:
        return await self._eraser.sweep(idle_ttls, limit)

    async def active(self) -> int:
        return await self._rpc.count(self._rpc.path("sessions"), self._rpc.until(), [("status", "==", "live")])

    async def outbox(self, limit: int) -> list[LogEntry]:
        return await self._outbox.oldest(limit)

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        await self._outbox.done(entries)

    async def outbox_size(self) -> int:
        return await self._outbox.size()


def _refuse_taken(data: dict[str, Any] | None, session_id: str, now: int) -> None:
    """S4. An old tombstone frees its id once everything below it is erased."""
    if data is None:
        return
    try:
        document = decode(data, SessionDoc, session_id)
    except SessionCorrupt:
        raise SessionExists(session_id) from None
    if document.status != "buried" or document.is_tombstone(now) or not document.erased:
        raise SessionExists(session_id)


def _repeat(known: dict[str, Any], draft: Draft) -> _Repeat:
    if draft.fingerprint is not None and draft.fingerprint != known.get("fingerprint"):
        raise DuplicateIdConflict(draft.client_message_id)
    return _Repeat(known["seq"], known["message"])


def _value(data: dict[str, Any] | None) -> bytes | None:
    return None if data is None else data.get("value")
