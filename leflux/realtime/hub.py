"""Which socket sits in which session, and how events reach it. All of it is a hint: the store decides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from msgspec import Struct

from leflux import wire
from leflux.conversation import Site
from leflux.problems import Problem

TAKEN = "taken"
GONE = "gone"


class Emitter(Protocol):
    """The part of the Socket.IO server that the hub speaks to."""

    async def emit(
        self, event: str, data: Any, *, to: str, ignore_queue: bool = False, seq: int | None = None
    ) -> None: ...
    async def enter_room(self, sid: str, room: str) -> None: ...
    async def leave_room(self, sid: str, room: str) -> None: ...


class Bus(Protocol):
    """Notes to the other processes; may lose them."""

    async def tell(self, kind: str, payload: dict[str, Any]) -> None: ...


class NoBus:
    """There is no other process."""

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        del kind, payload


class Seat(Struct):
    """One socket. `session_id` is None until it joins; `epoch` fences what it writes; `seq` is what it was sent.

    `url` is the page it is on, as far as it said.
    """

    sid: str
    site: Site
    address: str
    session_id: str | None = None
    epoch: int = 0
    seq: int = 0
    visible: bool = True
    url: str = ""


class _Newest(Struct, eq=False):
    seq: int = 0


def own(seat: Seat, session_id: str) -> str:
    """`session_id` when the seat has joined it. Raises `invalid_session_id` or `not_owner`."""
    wire.session_id(session_id)
    if seat.session_id != session_id:
        raise Problem("not_owner", "This socket has not joined the session.")
    return session_id


class Hub:
    """The sockets of this process. A session has one socket here at most: the one with the newest epoch.

    `dropped(session_id)` is called when another process has purged a session.
    """

    def __init__(self, emitter: Emitter, bus: Bus | None = None) -> None:
        self._emitter = emitter
        self._bus = bus or NoBus()
        self._seats: dict[str, Seat] = {}
        self._owners: dict[str, Seat] = {}
        self._joining: dict[str, list[_Newest]] = {}
        self.dropped: Callable[[str], None] = lambda _session_id: None

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

    def seated(self, session_id: str) -> tuple[int, str] | None:
        """Epoch and page of the session's socket, when it is here."""
        seat = self._owners.get(session_id)
        return None if seat is None else (seat.epoch, seat.url)

    def owners(self) -> list[Seat]:
        """The seats that own a session, as far as this process knows."""
        return list(self._owners.values())

    def delivered(self, session_id: str, seq: int) -> None:
        """The session's socket here was sent the message `seq`. One before it that is missing stays missed."""
        self._note(session_id, seq)
        seat = self._owners.get(session_id)
        if seat is not None and seq == seat.seq + 1:
            seat.seq = seq

    @contextmanager
    def joining(self, session_id: str) -> Iterator[Callable[[], int]]:
        """While a socket joins: yields what tells the highest `seq` that was emitted meanwhile, to whomever."""
        newest = _Newest()
        self._joining.setdefault(session_id, []).append(newest)
        try:
            yield lambda: newest.seq
        finally:
            self._joining[session_id].remove(newest)
            if not self._joining[session_id]:
                del self._joining[session_id]

    def _note(self, session_id: str, seq: int | None) -> None:
        for newest in self._joining.get(session_id, ()):
            newest.seq = max(newest.seq, seq or 0)

    async def sit(
        self, seat: Seat, session_id: str, epoch: int, read_only_ms: int, taken_from: str | None = None
    ) -> bool:
        """Seat a socket that has claimed `epoch`. False when a newer one, or its own end, was faster.

        `taken_from`: the socket that owned the session until then. One that is not here is told by its own process.
        """
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
        # A claim that the store carried out twice names its own socket in place of the one before.
        if taken_from is not None and (taken_from == seat.sid or taken_from not in self._seats):
            await self._bus.tell(TAKEN, {"sessionId": session_id, "epoch": epoch, "readOnlyMs": read_only_ms})
        return True

    async def unseat(self, session_id: str, epoch: int, read_only_ms: int) -> None:
        """A socket elsewhere has claimed `epoch`: an older one here is told, and leaves."""
        seat = self._owners.get(session_id)
        if seat is not None and seat.epoch < epoch:
            await self._abandon(seat, session_id)
            await self._tell_taken_over(seat.sid, session_id, read_only_ms)

    async def _abandon(self, seat: Seat, session_id: str) -> None:
        if self._owners.get(session_id) is seat:
            del self._owners[session_id]
        await self._emitter.leave_room(seat.sid, session_id)

    async def _tell_taken_over(self, sid: str, session_id: str, read_only_ms: int) -> None:
        payload = {"sessionId": session_id, "readOnlyMs": read_only_ms}
        await self.tell(sid, wire.SESSION_TAKEN_OVER, payload)

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None:
        """Send an event to the session's socket, wherever it is. `seq`: of the message that it carries."""
        self._note(session_id, seq)
        await self._emitter.emit(event, payload, to=session_id, seq=seq)

    async def tell(self, sid: str, event: str, payload: Any) -> None:
        """Send an event to one socket of this process."""
        await self._emitter.emit(event, payload, to=sid, ignore_queue=True)

    async def expired(self, session_id: str) -> None:
        """The session was evicted: tell its socket, which may start another one."""
        await self._end(session_id, wire.SESSION_EXPIRED)

    async def deleted(self, session_id: str) -> None:
        """The session was purged: every trace is to be forgotten."""
        await self._end(session_id, wire.SESSION_DELETED)

    async def _end(self, session_id: str, event: str) -> None:
        await self.ended_here(session_id, event)
        await self._bus.tell(GONE, {"sessionId": session_id, "event": event})

    async def ended_here(self, session_id: str, event: str) -> None:
        """Tell the session's socket in this process that it is over, and free the seat."""
        if seat := self._owners.get(session_id):
            await self.tell(seat.sid, event, {"sessionId": session_id})
            # The seat keeps the session's name, so that a late write gets the store's own answer.
            await self._abandon(seat, session_id)

    async def heard(self, kind: str, payload: dict[str, Any]) -> None:
        """A note from another process."""
        if kind == TAKEN:
            await self.unseat(payload["sessionId"], payload["epoch"], payload["readOnlyMs"])
        elif kind == GONE:
            if payload["event"] == wire.SESSION_DELETED:
                self.dropped(payload["sessionId"])
            await self.ended_here(payload["sessionId"], payload["event"])
