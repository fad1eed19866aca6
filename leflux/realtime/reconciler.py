"""Repairs what the bus has lost: a slow timer compares each socket with the store."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from msgspec import Raw

from backends.base import Messages, Sessions
from backends.clock import now_ms
from backends.errors import SessionDeleted, SessionNotFound, StorageError
from backends.records import Session, SessionRef
from leflux import protocol
from leflux.chat.policy import Policy
from leflux.chat.ports import VisitorSocket
from leflux.common.recurring import Recurring
from leflux.realtime.hub import Hub, VisitorSockets
from leflux.realtime.presence import VisitorPresence

log = structlog.get_logger(__name__)

INTERVAL = 2.0
AT_ONCE = 64
LOST_SECONDS = 8.0
"""A session must be missing for so long before its history is taken for lost: owners' rules are read every 5 s."""
CLOCKS_MS = 5_000
"""How much the clocks of this process and of the store may differ."""
PAUSE = 0.03
"""Seconds between so many: a process with many sockets asks the store some 2,000 times a second at most."""


class ReconcilerStore(Sessions, Messages, Protocol):
    """The part of the session store that the reconciler uses."""


class Reconciler(Recurring):
    """Compares the sockets of this process with the store, and finds what another process or a command has changed.

    `missed(ref)` is called after messages were caught up: events that came with them are lost as well.
    """

    def __init__(
        self,
        *,
        hub: Hub,
        sockets: VisitorSockets,
        store: ReconcilerStore,
        policy: Callable[[str], Policy],
        missed: Callable[[SessionRef], Awaitable[None]],
        presence: VisitorPresence,
        interval: float = INTERVAL,
    ) -> None:
        super().__init__("reconciler", self.look, interval)
        self._hub = hub
        self._sockets = sockets
        self._store = store
        self._policy = policy
        self._missed = missed
        self._presence = presence
        self._behind: dict[str, int] = {}
        self._missing: dict[str, int] = {}

    async def look(self) -> None:
        """Compare every socket that holds a session with the store once."""
        holders = list(self._sockets.holders.values())
        present = {socket.sid for socket in holders}
        self._behind = {sid: seq for sid, seq in self._behind.items() if sid in present}
        self._missing = {sid: looks for sid, looks in self._missing.items() if sid in present}
        for start in range(0, len(holders), AT_ONCE):
            await asyncio.gather(*(self._check(socket) for socket in holders[start : start + AT_ONCE]))
            if start + AT_ONCE < len(holders):
                await asyncio.sleep(PAUSE)

    async def _check(self, socket: VisitorSocket) -> None:
        session_id, epoch = socket.session_id, socket.epoch
        if session_id is None:
            return
        ref = self._policy(socket.site.id).ref(socket.site.id, session_id)
        try:
            session = await self._store.load(ref)
            if socket.session_id == session_id and socket.epoch == epoch:
                await self._compare(socket, session, ref)
        except SessionDeleted:
            self._presence.cancel(session_id)
            await self._hub.ended_here(session_id, protocol.SESSION_DELETED)
        except SessionNotFound:
            await self._gone(socket, ref)
        except StorageError as error:
            log.warning("store does not answer", job="reconcile", error=str(error))

    async def _gone(self, socket: VisitorSocket, ref: SessionRef) -> None:
        """A session that had time left was not evicted: the store has lost it.

        An owner may have shortened the idle time, which another process can know before this one does.
        """
        had_time = now_ms() < socket.last_activity + ref.idle_ttl * 1000 - CLOCKS_MS
        looks = self._missing[socket.sid] = self._missing.get(socket.sid, 0) + 1
        if had_time and looks * self._interval < LOST_SECONDS:
            return
        event = protocol.HISTORY_LOST if had_time else protocol.SESSION_EXPIRED
        await self._hub.ended_here(ref.session_id, event)

    async def _compare(self, socket: VisitorSocket, session: Session, ref: SessionRef) -> None:
        socket.last_activity = session.last_activity
        self._missing.pop(socket.sid, None)
        if session.epoch > socket.epoch:
            if session.holder == socket.sid:
                return  # It has just claimed the session again, and does not hold it yet.
            read_only_ms = self._policy(session.site_id).retention().read_only_ms
            await self._hub.taken_over(session.session_id, session.epoch, read_only_ms)
            return
        await self._presence.compare(socket, session)
        if session.seq <= socket.seq:
            self._behind.pop(socket.sid, None)
        elif self._behind.get(socket.sid) != socket.seq:
            # A stored message may still be in transit. Only a socket that stays behind has missed one.
            self._behind[socket.sid] = socket.seq
        else:
            await self._catch_up(socket, ref)

    async def _catch_up(self, socket: VisitorSocket, ref: SessionRef) -> None:
        missed = await self._store.messages(ref, socket.seq, protocol.HISTORY_LIMIT)
        for body in missed:
            await self._hub.tell(socket.sid, protocol.MESSAGE, Raw(body))
        socket.seq += len(missed)
        await self._missed(ref)
