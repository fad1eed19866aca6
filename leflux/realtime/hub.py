"""The visitors' sockets: which of them holds which session, and how events reach it, in whichever process.

All of it may be out of date: the store decides.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from msgspec import Struct

from backends.records import Session
from leflux import protocol
from leflux.chat.ports import VisitorSocket
from leflux.realtime.notes import GONE, TAKEN, Bus, NoteHandler


class SocketEmitter(Protocol):
    """The part of the Socket.IO server that the hub speaks to."""

    async def emit(
        self, event: str, data: Any, *, to: str, ignore_queue: bool = False, seq: int | None = None
    ) -> None: ...
    async def enter_room(self, sid: str, room: str) -> None: ...
    async def leave_room(self, sid: str, room: str) -> None: ...


class NoBus:
    """There is no other process."""

    is_alone = True

    def subscribe(self, kind: str, handler: NoteHandler) -> None:
        del kind, handler

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        del kind, payload


class _Newest(Struct, eq=False):
    seq: int = 0


class VisitorSockets:
    """`sockets` by socket id, `holders` by session id: a session is held by one socket here at most."""

    def __init__(self) -> None:
        self.sockets: dict[str, VisitorSocket] = {}
        self.holders: dict[str, VisitorSocket] = {}
        self._joining: dict[str, list[_Newest]] = {}

    def remove(self, sid: str) -> VisitorSocket | None:
        """Forget a socket that is gone."""
        socket = self.sockets.pop(sid, None)
        if socket is not None and socket.session_id is not None:
            self.release(socket, socket.session_id)
        return socket

    def release(self, socket: VisitorSocket, session_id: str) -> None:
        if self.holders.get(session_id) is socket:
            del self.holders[session_id]

    def position(self, session_id: str) -> tuple[int, str] | None:
        """Epoch and page of the session's socket, when it is here."""
        socket = self.holders.get(session_id)
        return None if socket is None else (socket.epoch, socket.url)

    def delivered(self, session_id: str, seq: int) -> None:
        """The session's socket here was sent the message `seq`. An earlier one that is missing stays missing."""
        self.emitted(session_id, seq)
        socket = self.holders.get(session_id)
        if socket is not None and seq == socket.seq + 1:
            socket.seq = seq

    @contextmanager
    def joining(self, session_id: str) -> Iterator[Callable[[], int]]:
        """While a socket joins: yields a function that returns the highest `seq` emitted meanwhile."""
        newest = _Newest()
        self._joining.setdefault(session_id, []).append(newest)
        try:
            yield lambda: newest.seq
        finally:
            self._joining[session_id].remove(newest)
            if not self._joining[session_id]:
                del self._joining[session_id]

    def emitted(self, session_id: str, seq: int | None) -> None:
        for newest in self._joining.get(session_id, ()):
            newest.seq = max(newest.seq, seq or 0)


class Hub:
    """The sockets of this process as the chat's `SocketPort`."""

    def __init__(self, emitter: SocketEmitter, sockets: VisitorSockets, bus: Bus) -> None:
        self._emitter = emitter
        self._sockets = sockets
        self._bus = bus
        bus.subscribe(TAKEN, self._taken)
        bus.subscribe(GONE, self._gone)

    def joining(self, session_id: str) -> AbstractContextManager[Callable[[], int]]:
        """While a socket joins: yields a function that returns the highest `seq` emitted meanwhile."""
        return self._sockets.joining(session_id)

    async def hold(
        self, socket: VisitorSocket, session: Session, read_only_ms: int, taken_from: str | None = None
    ) -> bool:
        """Give the session's events to a socket that has claimed it.

        False when a newer socket was faster, or the socket is gone. `taken_from`: the socket that held the session
        until then; one that is not here is told by its own process.
        """
        session_id, epoch = session.session_id, session.epoch
        current = self._sockets.holders.get(session_id)
        if self._sockets.sockets.get(socket.sid) is not socket:
            return False
        if current is not None and current.epoch > epoch:
            await self._tell_taken_over(socket.sid, session_id, read_only_ms)
            return False
        left = socket.session_id
        # Everything that others look at changes before the first await.
        self._sockets.holders[session_id] = socket
        socket.session_id = session_id
        socket.epoch = epoch
        if left is not None and left != session_id:
            await self._release(socket, left)
        if current is not None and current is not socket:
            await self._emitter.leave_room(current.sid, session_id)
            await self._tell_taken_over(current.sid, session_id, read_only_ms)
        await self._emitter.enter_room(socket.sid, session_id)
        # A claim that the store carried out twice names its own socket in place of the one before.
        if taken_from is not None and (taken_from == socket.sid or taken_from not in self._sockets.sockets):
            await self._bus.tell(TAKEN, {"sessionId": session_id, "epoch": epoch, "readOnlyMs": read_only_ms})
        return True

    async def taken_over(self, session_id: str, epoch: int, read_only_ms: int) -> None:
        """A socket elsewhere has claimed `epoch`: an older one here is told, and loses the session."""
        socket = self._sockets.holders.get(session_id)
        if socket is not None and socket.epoch < epoch:
            await self._release(socket, session_id)
            await self._tell_taken_over(socket.sid, session_id, read_only_ms)

    async def _release(self, socket: VisitorSocket, session_id: str) -> None:
        self._sockets.release(socket, session_id)
        await self._emitter.leave_room(socket.sid, session_id)

    async def _tell_taken_over(self, sid: str, session_id: str, read_only_ms: int) -> None:
        await self.tell(sid, protocol.SESSION_TAKEN_OVER, protocol.TakenOver(session_id, read_only_ms))

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None:
        """Send an event to the session's socket, wherever it is. `seq`: of the message that it carries."""
        self._sockets.emitted(session_id, seq)
        await self._emitter.emit(event, payload, to=session_id, seq=seq)

    async def tell(self, sid: str, event: str, payload: Any) -> None:
        """Send an event to one socket of this process."""
        await self._emitter.emit(event, payload, to=sid, ignore_queue=True)

    async def expired(self, session_id: str) -> None:
        """The session was evicted: its page may start another one."""
        await self._end(session_id, protocol.SESSION_EXPIRED)

    async def deleted(self, session_id: str) -> None:
        """The session was erased: its page forgets everything."""
        await self._end(session_id, protocol.SESSION_DELETED)

    async def _end(self, session_id: str, event: str) -> None:
        await self.ended_here(session_id, event)
        await self._bus.tell(GONE, {"sessionId": session_id, "event": event})

    async def ended_here(self, session_id: str, event: str) -> None:
        """Tell the session's socket in this process that the session is over, and release it."""
        if socket := self._sockets.holders.get(session_id):
            await self.tell(socket.sid, event, {"sessionId": session_id})
            # The socket keeps the session's id, so that a late write gets the store's own answer.
            await self._release(socket, session_id)

    async def _taken(self, note: dict[str, Any]) -> None:
        await self.taken_over(note["sessionId"], note["epoch"], note["readOnlyMs"])

    async def _gone(self, note: dict[str, Any]) -> None:
        await self.ended_here(note["sessionId"], note["event"])
