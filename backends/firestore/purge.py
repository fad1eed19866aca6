"""Erases sessions: deletion, eviction, and the completion of interrupted ones.

First one step marks the session's document, which decides every race. Then the collections below it are deleted,
because Firestore keeps them when the parent is gone. Last, the document is marked as erased, or deleted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from backends.errors import SessionDeleted, SessionNotFound, StorageError, StoreUnavailable
from backends.firestore.calls import Until, together
from backends.firestore.docs import DUE_NOW, SessionDoc, Status, decode, document_id, live
from backends.firestore.outbox import FirestoreOutbox
from backends.firestore.rpc import PARALLEL, Rpc
from backends.firestore.transaction_queue import TransactionQueues, Unit
from backends.firestore.workers import FirestoreWorkers
from backends.records import Deletion, Erased, SessionName, SessionRef, Swept

_BELOW = ("messages", "keys", "parts")


class FirestoreEraser:
    """Deletes sessions with everything below them."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues, outbox: FirestoreOutbox, workers: FirestoreWorkers) -> None:
        self._rpc = rpc
        self._queues = queues
        self._outbox = outbox
        self._workers = workers
        self._sweeping = asyncio.Lock()

    def _path(self, session_id: str, *below: str) -> str:
        return self._rpc.path("sessions", document_id(session_id), *below)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool) -> Erased:
        """Rules S20 and S21. A repeated deletion completes an interrupted one."""
        until = self._rpc.until()
        path = self._path(ref.session_id)

        def step(unit: Unit) -> Erased | None:
            return _bury(unit, path, ref, tombstone, bury_absent)

        try:
            erased = await self._queues.run(path, step, until=until)
        except SessionDeleted:
            await self._finish(ref.session_id, until)
            raise
        if erased is None:
            return Erased()
        outbox = await self._outbox.erase(ref.site_id, ref.session_id, until)
        await self._finish(ref.session_id, until)
        return Erased(erased.sessions, erased.messages, erased.tasks, *outbox)

    async def _finish(self, session_id: str, until: Until) -> None:
        """Complete a deletion or an eviction. Do nothing for any other session."""
        path = self._path(session_id)
        reading = await self._rpc.read([path], until)
        data = reading.documents[path].data
        document = decode(data, SessionDoc, session_id) if data is not None else None
        if document is None or document.status == "live":
            return
        if not document.erased:
            if document.status == "buried":
                await self._outbox.erase(document.site, session_id, until)
            elif document.status == "evicting":
                await self._outbox.hurry(document.site, session_id, until)
            keeps_keys = document.status != "buried" and reading.now < document.until
            below = [self._path(session_id, name) for name in _BELOW if name != "keys" or not keeps_keys]
            await together(self._rpc.erase_all(collection, until, (), None) for collection in below)
        status = document.status
        await self._queues.run(path, lambda unit: _close(unit, path, session_id, status), until=until)

    async def deletions(self, limit: int) -> list[Deletion]:
        hits = await self._rpc.find(
            self._rpc.path("sessions"), self._rpc.until(), [("pending", ">=", 0.0)], "pending", limit=limit
        )
        found = (decode(hit.data, SessionDoc, "") for hit in hits)
        return [Deletion(document.site, document.id, document.pending or 0.0) for document in found]

    async def deletion_done(self, deletion: Deletion) -> None:
        path = self._path(deletion.session_id)

        def step(unit: Unit) -> None:
            data = unit.get(path)
            if data is not None and data.get("pending") is not None and data["site"] == deletion.site_id:
                document = decode(data, SessionDoc, deletion.session_id)
                document.pending = None
                document.todo = document.until if document.erased else DUE_NOW
                unit.put(path, document.encode())

        await self._queues.run(path, step)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float) -> Swept:
        """Rule S22. Work that does not fit in the deadline is left to the next sweep."""
        until = self._rpc.until()
        try:
            async with asyncio.timeout_at(until.at), self._sweeping:
                return await self._sweep(idle_ttls, limit, keys_for, until)
        except TimeoutError:
            raise StoreUnavailable("no answer within the deadline") from None

    async def _sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float, until: Until) -> Swept:
        now = (await self._rpc.read([self._rpc.path("meta", "clock")], until)).now
        await self._workers.free_dead(now, until)
        await self._each(await self._named([("todo", "<=", now)], "todo", limit, until), self._finish_name, until)
        evicted: list[SessionName] = []
        overdue: list[SessionName] = []
        orphaned: list[SessionName] = []
        for site_id, idle_ttl in idle_ttls.items():
            site, idle_since = ("site", "==", site_id), now - int(idle_ttl * 1000)
            idle, late, open_ = await together(
                [
                    self._named(
                        [site, ("status", "==", "live"), ("activity", "<=", idle_since)],
                        "activity",
                        limit - len(evicted),
                        until,
                    ),
                    self._named([site, ("task_due", "<=", now)], "task_due", limit, until, idle_since),
                    self._named([site, ("lease_due", "<=", now)], "lease_due", limit, until, idle_since),
                ]
            )
            overdue += late
            orphaned += open_
            evicted += await self._each(idle, partial(self._evict, idle_ttl, keys_for), until)
        return Swept(tuple(evicted), tuple(overdue[:limit]), tuple(orphaned[:limit]))

    async def _named(
        self, where: list[tuple[str, str, Any]], order: str, limit: int, until: Until, active_since: int | None = None
    ) -> list[SessionName]:
        """Sessions that match; with `active_since` (ms) only those that were active after it."""
        fields = ("id", "site", "activity")
        hits = await self._rpc.find(self._rpc.path("sessions"), until, where, order, limit=limit, fields=fields)
        return [
            SessionName(hit.data["site"], hit.data["id"])
            for hit in hits
            if isinstance(hit.data.get("site"), str)
            and isinstance(hit.data.get("id"), str)
            and (active_since is None or hit.data.get("activity", 0) > active_since)
        ]

    async def _each(
        self, names: list[SessionName], work: Callable[[SessionName, Until], Awaitable[bool]], until: Until
    ) -> list[SessionName]:
        """The names for which `work` returned True. Stops at half of the deadline; failed names are left for later."""
        done: list[SessionName] = []
        for first in range(0, len(names), PARALLEL):
            if until.is_half_spent():
                break
            some = names[first : first + PARALLEL]
            results = await asyncio.gather(*(work(name, until) for name in some), return_exceptions=True)
            for name, result in zip(some, results, strict=True):
                if isinstance(result, BaseException) and not isinstance(result, StorageError):
                    raise result
                if result is True:
                    done.append(name)
        return done

    async def _finish_name(self, name: SessionName, until: Until) -> bool:
        await self._finish(name.session_id, until)
        return True

    async def _evict(self, idle_ttl: float, keys_for: float, name: SessionName, until: Until) -> bool:
        path = self._path(name.session_id)

        def step(unit: Unit) -> bool:
            data = unit.get(path)
            document = decode(data, SessionDoc, name.session_id) if data is not None else None
            if document is None or document.status != "live" or not document.is_idle(idle_ttl, unit.now):
                return False
            if document.seq or document.continues:
                document.until = unit.now + int(keys_for * 1000)
            unit.put(path, _ended(document, "evicting", DUE_NOW).encode())
            return True

        if not await self._queues.run(path, step, until=until):
            return False
        try:
            await self._finish(name.session_id, until)
        except StoreUnavailable:
            return True  # It is evicted already; the next sweep deletes the rest.
        return True


def _bury(unit: Unit, path: str, ref: SessionRef, tombstone: float, bury_absent: bool) -> Erased | None:
    """Turn the document into a tombstone. None: the id belongs to another site, and stays."""
    data = unit.get(path)
    erased = Erased()
    if data is not None and data.get("pending") is not None and data["site"] == ref.site_id:
        return erased
    try:
        document = live(data, ref, unit.now)
        erased = Erased(1, document.seq, 1 if document.task is not None else 0)
    except SessionNotFound:
        if not bury_absent:
            raise
        if data is not None and data.get("site", ref.site_id) != ref.site_id:
            return None
    grave = SessionDoc(id=ref.session_id, site=ref.site_id, created=unit.now, activity=unit.now)
    grave.pending = tombstone
    grave.until = unit.now + int(tombstone * 1000)
    unit.put(path, _ended(grave, "buried", DUE_NOW).encode())
    return erased


def _close(unit: Unit, path: str, session_id: str, status: Status) -> None:
    """Mark the document once everything below it is erased, or delete it when its time is over."""
    data = unit.get(path)
    document = decode(data, SessionDoc, session_id) if data is not None else None
    if document is None or document.status != status:
        return
    if status != "buried":
        if unit.now >= document.until:
            unit.drop(path)
        elif status == "evicting":
            document.status, document.todo = "evicted", document.until
            unit.put(path, document.encode())
    elif document.erased and not document.is_tombstone(unit.now) and document.pending is None:
        unit.drop(path)
    elif not document.erased:
        document.erased, document.todo = True, document.until if document.pending is None else None
        unit.put(path, document.encode())


def _ended(document: SessionDoc, status: Status, todo: int) -> SessionDoc:
    document.status, document.todo = status, todo
    document.holder = document.lease = document.task = None
    document.lease_until = 0
    return document
