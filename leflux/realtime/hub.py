"""Which socket sits in which session, and how events reach it. All of it is a hint: the store decides."""

from typing import Any, Protocol

from msgspec import Struct

from leflux import wire
from leflux.conversation import Site


class Emitter(Protocol):
    """The part of `socketio.AsyncServer` that the hub speaks to."""

    async def emit(self, event: str, data: Any, *, to: str, ignore_queue: bool = False) -> None: ...
    async def enter_room(self, sid: str, room: str) -> None: ...
    async def leave_room(self, sid: str, room: str) -> None: ...


class Seat(Struct):
    """One socket. `session_id` is None until it joins; `epoch` fences what it writes."""

    sid: str
    site: Site
    address: str
    session_id: str | None = None
    epoch: int = 0
    visible: bool = True


class Hub:
    """The sockets of this process. A session has one socket here at most: the one with the newest epoch."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._seats: dict[str, Seat] = {}
        self._owners: dict[str, Seat] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def arrive(self, seat: Seat) -> None:
        self._seats[seat.sid] = seat

    def leave(self, sid: str) -> Seat | None:
        """Forget a socket that is gone; returns its seat."""
        seat = self._seats.pop(sid, None)
        if seat is not None and seat.session_id is not None and self._owners.get(seat.session_id) is seat:
            del self._owners[seat.session_id]
        return seat

    def seat(self, sid: str) -> Seat | None:
        return self._seats.get(sid)

    async def sit(self, seat: Seat, session_id: str, epoch: int, read_only_ms: int) -> bool:
        """Seat a socket that has claimed `epoch`. False when a newer one, or its own end, was faster."""
        current = self._owners.get(session_id)
        if self._seats.get(seat.sid) is not seat:
            return False
        if current is not None and current.epoch > epoch:
            await self._tell_taken_over(seat.sid, session_id, read_only_ms)
            return False
        left = seat.session_id
        # Everything that others look at changes before the first await.
        self._owners[session_id] = seat
        seat.session_id = session_id
        seat.epoch = epoch
        if left is not None and left != session_id:
            await self._abandon(seat, left)
        if current is not None and current is not seat:
            await self._emitter.leave_room(current.sid, session_id)
            await self._tell_taken_over(current.sid, session_id, read_only_ms)
        await self._emitter.enter_room(seat.sid, session_id)
        return True

    async def _abandon(self, seat: Seat, session_id: str) -> None:
        if self._owners.get(session_id) is seat:
            del self._owners[session_id]
        await self._emitter.leave_room(seat.sid, session_id)

    async def _tell_taken_over(self, sid: str, session_id: str, read_only_ms: int) -> None:
        payload = {"sessionId": session_id, "readOnlyMs": read_only_ms}
        await self.tell(sid, wire.SESSION_TAKEN_OVER, payload)

    async def emit(self, session_id: str, event: str, payload: Any) -> None:
        """Send an event to the session's socket, wherever it is."""
        await self._emitter.emit(event, payload, to=session_id)

    async def tell(self, sid: str, event: str, payload: Any) -> None:
        """Send an event to one socket of this process."""
        await self._emitter.emit(event, payload, to=sid, ignore_queue=True)

    async def expired(self, session_id: str) -> None:
        """The session was evicted: tell its socket, which may start another one."""
        await self.emit(session_id, wire.SESSION_EXPIRED, {"sessionId": session_id})
        await self._vacate(session_id)

    async def deleted(self, session_id: str) -> None:
        """The session was purged: every trace is to be forgotten."""
        await self.emit(session_id, wire.SESSION_DELETED, {"sessionId": session_id})
        await self._vacate(session_id)

    async def _vacate(self, session_id: str) -> None:
        # The seat keeps the session's name, so that a late write gets the store's own answer.
        if seat := self._owners.get(session_id):
            await self._abandon(seat, session_id)
