"""Heals what the bus has lost: a slow timer compares each seat with the store (DESIGN rule 1)."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from msgspec import Raw

from backends.base import SessionStore
from backends.errors import SessionDeleted, SessionNotFound, StorageError
from backends.records import Session, SessionRef
from leflux import wire
from leflux.realtime.hub import Hub, Seat
from leflux.recurring import Recurring

log = structlog.get_logger(__name__)

INTERVAL = 2.0
AT_ONCE = 64
PAUSE = 0.03
"""Seconds between so many: a process with many sockets asks the store some 2,000 times a second at most."""


class Reconciler(Recurring):
    """What another process, or a command, has done to a session reaches its socket here in the end.

    `read_only_ms(site_id)` is what a socket that lost its session is told.
    `missed(ref)` is called after messages were caught up: what came with them is lost as well.
    """

    def __init__(
        self,
        hub: Hub,
        store: SessionStore,
        ref: Callable[[str, str], SessionRef],
        read_only_ms: Callable[[str], int],
        interval: float = INTERVAL,
    ) -> None:
        super().__init__("reconciler", self.look, interval)
        self._hub = hub
        self._store = store
        self._ref = ref
        self._read_only_ms = read_only_ms
        self.missed: Callable[[SessionRef], Awaitable[None]] = _nothing
        self._behind: dict[str, int] = {}

    async def look(self) -> None:
        """Compare every seat of this process with the store once."""
        seats = self._hub.owners()
        present = {seat.sid for seat in seats}
        self._behind = {sid: seq for sid, seq in self._behind.items() if sid in present}
        for start in range(0, len(seats), AT_ONCE):
            await asyncio.gather(*(self._check(seat) for seat in seats[start : start + AT_ONCE]))
            if start + AT_ONCE < len(seats):
                await asyncio.sleep(PAUSE)

    async def _check(self, seat: Seat) -> None:
        session_id, epoch = seat.session_id, seat.epoch
        if session_id is None:
            return
        try:
            session = await self._store.load(self._ref(seat.site.id, session_id))
            if seat.session_id == session_id and seat.epoch == epoch:
                await self._compare(seat, session)
        except SessionDeleted:
            self._hub.dropped(session_id)
            await self._hub.ended_here(session_id, wire.SESSION_DELETED)
        except SessionNotFound:
            await self._hub.ended_here(session_id, wire.SESSION_EXPIRED)
        except StorageError as error:
            log.warning("store does not answer", job="reconcile", error=str(error))

    async def _compare(self, seat: Seat, session: Session) -> None:
        if session.epoch > seat.epoch:
            if session.owner == seat.sid:
                return  # It has just claimed the session again, and is about to sit.
            await self._hub.unseat(session.session_id, session.epoch, self._read_only_ms(session.site_id))
        elif session.seq <= seat.seq:
            self._behind.pop(seat.sid, None)
        elif self._behind.get(seat.sid) != seat.seq:
            # What is stored may be on its way still; only a seat that stays behind has missed something.
            self._behind[seat.sid] = seat.seq
        else:
            await self._catch_up(seat, session)

    async def _catch_up(self, seat: Seat, session: Session) -> None:
        ref = self._ref(session.site_id, session.session_id)
        missed = await self._store.messages(ref, seat.seq, wire.HISTORY_LIMIT)
        for body in missed:
            await self._hub.tell(seat.sid, wire.MESSAGE, Raw(body))
        seat.seq += len(missed)
        await self.missed(ref)


async def _nothing(_: SessionRef) -> None:
    return None
