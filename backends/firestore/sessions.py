"""`SessionStore` on Firestore. Each verb that writes is one step on the session's document."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from backends.base import SessionStore
from backends.errors import SessionCorrupt, SessionExists, SessionNotFound, VersionConflict
from backends.firestore.append import Appender
from backends.firestore.calls import Until, both
from backends.firestore.docs import SessionDoc, decode, document_id, live
from backends.firestore.outbox import FirestoreOutbox
from backends.firestore.purge import FirestoreEraser
from backends.firestore.rpc import Rpc
from backends.firestore.tail import Bodies, Tail
from backends.firestore.transaction_queue import TransactionQueues, Unit
from backends.firestore.workers import FirestoreWorkers, unlease
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
from backends.takeover import Taker, handed_back, taken

T = TypeVar("T")


class FirestoreSessions(SessionStore):
    """`inline_log`: the log shares the database (S14)."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues, inline_log: bool) -> None:
        self._rpc = rpc
        self._queues = queues
        self._tail = Tail(rpc)
        self._outbox = FirestoreOutbox(rpc)
        self._appender = Appender(rpc, queues, self._tail, None if inline_log else self._outbox)
        self._workers = FirestoreWorkers(rpc, queues)
        self._eraser = FirestoreEraser(rpc, queues, self._outbox, self._workers)

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

        return await self._queues.run(path, step, **options)

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
            return document.session(unit.now)

        return await self._queues.run(path, step)

    async def load(self, ref: SessionRef) -> Session:
        reading = await self._rpc.read([self._path(ref.session_id)], self._rpc.until())
        return live(reading.documents[self._path(ref.session_id)].data, ref, reading.now).session(reading.now)

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        until = self._rpc.until()
        path = self._path(ref.session_id)
        reading, found = await both(self._rpc.read([path], until), self._tail.newest(ref, since, limit, until))
        document = live(reading.documents[path].data, ref, reading.now)
        return await self._snapshot(ref, document.session(reading.now), document.task, found, since, limit, until)

    async def claim(self, ref: SessionRef, holder: str, since: int, limit: int) -> Snapshot:
        until = self._rpc.until()

        def change(document: SessionDoc, unit: Unit) -> tuple[Session, Task | None, str | None]:
            taken_from = document.holder
            document.epoch += 1
            document.holder = holder
            return document.session(unit.now), document.task, taken_from

        (session, task, taken_from), found = await both(
            self._change(ref, change, until=until), self._tail.newest(ref, since, limit, until)
        )
        snapshot = await self._snapshot(ref, session, task, found, since, limit, until)
        return replace(snapshot, taken_from=taken_from)

    async def _snapshot(
        self,
        ref: SessionRef,
        session: Session,
        task: Task | None,
        found: Bodies,
        since: int,
        limit: int,
        until: Until,
    ) -> Snapshot:
        wanted = range(max(since, session.seq - limit) + 1, session.seq + 1)
        return Snapshot(session, await self._tail.complete(ref, found, wanted, until), task)

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        until = self._rpc.until()
        path = self._path(ref.session_id)
        reading, found = await both(self._rpc.read([path], until), self._tail.oldest(ref, since, limit, until))
        document = live(reading.documents[path].data, ref, reading.now)
        wanted = range(max(since, 0) + 1, min(document.seq, max(since, 0) + limit) + 1)
        return await self._tail.complete(ref, found, wanted, until)

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        def change(document: SessionDoc, _unit: Unit) -> bool:
            if document.epoch != epoch or document.holder is None:
                return False
            document.holder = None
            return True

        return await self._change(ref, change)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        return await self._appender.append(ref, draft, epoch)

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        def change(_document: SessionDoc, unit: Unit) -> None:
            unit.put(self._path(ref.session_id, "parts", "context"), {"value": context})

        await self._change(ref, change, epoch, size=len(context))

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        _, (context, prior) = await self._read(ref, "context", "prior")
        return _value(context), _value(prior)

    async def task(self, ref: SessionRef) -> Task | None:
        document, _ = await self._read(ref)
        return document.task

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        def change(document: SessionDoc, unit: Unit) -> Taking:
            taker = Taker(account, name, silence, force)
            document.take_over, taking = taken(ref, document.take_over, taker, document.seq, unit.now)
            document.answered, document.attempts = max(document.answered, document.asked), 0
            document.lease, document.lease_until = None, 0
            return taking

        return await self._change(ref, change)

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        def change(document: SessionDoc, unit: Unit) -> bool:
            after = handed_back(document.take_over, account, unit.now)
            document.take_over = after or document.take_over
            return after is not None

        return await self._change(ref, change)

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
            return document.session(unit.now)

        return await self._change(ref, change)

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        path = self._path(ref.session_id)

        with suppress(SessionNotFound):
            await self._queues.run(path, partial(unlease, path, ref.site_id, worker))

    async def heartbeat(self, worker: str, seconds: float) -> None:
        await self._workers.heartbeat(worker, seconds)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        return await self._eraser.delete(ref, tombstone, bury_absent)

    async def deletions(self, limit: int) -> list[Deletion]:
        return await self._eraser.deletions(limit)

    async def deletion_done(self, deletion: Deletion) -> None:
        await self._eraser.deletion_done(deletion)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        return await self._eraser.sweep(idle_ttls, limit, keys_for)

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
    if document.status != "buried" or document.is_tombstone(now) or not document.erased or document.pending is not None:
        raise SessionExists(session_id)


def _value(data: dict[str, Any] | None) -> bytes | None:
    return None if data is None else data.get("value")
