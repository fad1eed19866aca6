"""Erasing sessions: purge, eviction, and what one that died half-way left.

First the session's document says that it is gone, in one step that decides every race; then what lies below it is
deleted, for Firestore keeps subcollections whose parent is gone; last the document says so, or goes itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from backends.errors import SessionDeleted, SessionNotFound, StorageError, StoreUnavailable
from backends.firestore_calls import Until, together
from backends.firestore_docs import DUE_NOW, SessionDoc, Status, decode, document_id, live
from backends.firestore_lane import Lanes, Unit
from backends.firestore_outbox import Outbox
from backends.firestore_rpc import PARALLEL, Rpc
from backends.records import Erased, SessionName, SessionRef, Swept

_BELOW = ("messages", "keys", "parts")


class Eraser:
    """Deletes sessions with everything below them."""

    def __init__(self, rpc: Rpc, lanes: Lanes, outbox: Outbox) -> None:
        self._rpc = rpc
        self._lanes = lanes
        self._outbox = outbox
        self._sweeping = asyncio.Lock()

    def _path(self, session_id: str, *below: str) -> str:
        return self._rpc.path("sessions", document_id(session_id), *below)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool) -> Erased:
        """Rules S20 and S21. A repeated purge finishes what an earlier one left."""
        until = self._rpc.until()
        path = self._path(ref.session_id)

        def step(unit: Unit) -> Erased | None:
            return _bury(unit, path, ref, tombstone, bury_absent)

        try:
            erased = await self._lanes.run(path, step, until=until)
        except SessionDeleted:
            await self._finish(ref.session_id, until)
            raise
        if erased is None:
            return Erased()
        outbox = await self._outbox.erase(ref.site_id, ref.session_id, until)
        await self._finish(ref.session_id, until)
        return Erased(erased.sessions, erased.messages, erased.tasks, *outbox)

    async def _finish(self, session_id: str, until: Until) -> None:
        """Do what remains for a session that is buried or being evicted; nothing for any other."""
        path = self._path(session_id)
        reading = await self._rpc.read([path], until)
        data = reading.documents[path].data
        document = decode(data, SessionDoc, session_id) if data is not None else None
        if document is None or document.status == "live":
            return
        if not document.erased:
            if document.status == "evicting":
                await self._outbox.hurry(document.site, session_id, until)
            else:
                await self._outbox.erase(document.site, session_id, until)
            below = [self._path(session_id, name) for name in _BELOW]
            await together(self._rpc.erase_all(collection, until, (), None) for collection in below)
        status = document.status
        await self._lanes.run(path, lambda unit: _close(unit, path, session_id, status), until=until)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int) -> Swept:
        """Rule S22. Does what fits in the deadline; the rest is due the next time."""
        until = self._rpc.until()
        try:
            async with asyncio.timeout_at(until.at), self._sweeping:
                return await self._sweep(idle_ttls, limit, until)
        except TimeoutError:
            raise StoreUnavailable("no answer within the deadline") from None

    async def _sweep(self, idle_ttls: Mapping[str, float], limit: int, until: Until) -> Swept:
        now = (await self._rpc.read([self._rpc.path("meta", "clock")], until)).now
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
            evicted += await self._each(idle, partial(self._evict, idle_ttl), until)
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
        """Those of `names` that `work` did, a few at a time; what fails, or finds half the time gone, is left."""
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

    async def _evict(self, idle_ttl: float, name: SessionName, until: Until) -> bool:
        path = self._path(name.session_id)

        def step(unit: Unit) -> bool:
            data = unit.get(path)
            document = decode(data, SessionDoc, name.session_id) if data is not None else None
            if document is None or document.status != "live" or not document.is_idle(idle_ttl, unit.now):
                return False
            unit.put(path, _ended(document, "evicting", DUE_NOW).encode())
            return True

        if not await self._lanes.run(path, step, until=until):
            return False
        try:
            await self._finish(name.session_id, until)
        except StoreUnavailable:
            return True  # It is gone for everybody; the next sweep deletes the rest.
        return True


def _bury(unit: Unit, path: str, ref: SessionRef, tombstone: float, bury_absent: bool) -> Erased | None:
    """Turn the document into a tombstone. None: the id belongs to another site, and stays."""
    data = unit.get(path)
    erased = Erased()
    try:
        document = live(data, ref, unit.now)
        erased = Erased(1, document.seq, 1 if document.task is not None else 0)
    except SessionNotFound:
        if not bury_absent:
            raise
        if data is not None and data.get("site", ref.site_id) != ref.site_id:
            return None
    grave = SessionDoc(id=ref.session_id, site=ref.site_id, created=unit.now, activity=unit.now)
    grave.until = unit.now + int(tombstone * 1000)
    unit.put(path, _ended(grave, "buried", DUE_NOW).encode())
    return erased


def _close(unit: Unit, path: str, session_id: str, status: Status) -> None:
    """Nothing lies below the document any more: an evicted session's goes, a tombstone stays until its time is up."""
    data = unit.get(path)
    document = decode(data, SessionDoc, session_id) if data is not None else None
    if document is None or document.status != status:
        return
    if status == "evicting" or (document.erased and not document.is_tombstone(unit.now)):
        unit.drop(path)
    elif not document.erased:
        document.erased, document.todo = True, document.until
        unit.put(path, document.encode())


def _ended(document: SessionDoc, status: Status, todo: int) -> SessionDoc:
    document.status, document.todo = status, todo
    document.owner = document.lease = document.task = None
    document.lease_until = 0
    return document
