"""The small moments between processes: a message while a socket joins, a hole in what it was told, a second claim."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.records import Session, SessionRef
from leflux import wire
from leflux.realtime.hub import Hub, Seat
from leflux.realtime.reconciler import Reconciler
from leflux.realtime.streams import Streams
from leflux.sites import Site
from tests.contract.kit import LONG, SITE, say, started

SHOP = Site(SITE, "Shop", ["shop.test"])


class Emitter:
    """Stands for the Socket.IO server, which the fleet's tests have for real."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Any]] = []

    async def emit(self, event: str, data: Any, *, to: str, ignore_queue: bool = False, seq: int | None = None) -> None:
        self.events.append((to, event, data))

    async def enter_room(self, sid: str, room: str) -> None:
        return None

    async def leave_room(self, sid: str, room: str) -> None:
        return None

    def of(self, sid: str, event: str) -> list[Any]:
        return [data for to, name, data in self.events if (to, name) == (sid, event)]


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    storage = await open_storage(StoreSettings())
    yield storage
    await storage.close()


async def seated(hub: Hub, sid: str, session_id: str, epoch: int = 1) -> Seat:
    seat = Seat(sid, SHOP, "127.0.0.1")
    hub.arrive(seat)
    assert await hub.sit(seat, session_id, epoch, 3000)
    return seat


async def test_a_message_that_is_told_while_a_socket_joins_is_noticed_whoever_it_was_told_to() -> None:
    hub = Hub(Emitter())
    with hub.joining("s") as newest, hub.joining("s") as other:
        assert newest() == 0
        await hub.emit("s", wire.MESSAGE, {}, seq=7)
        hub.delivered("s", 5)
        await hub.emit("another", wire.MESSAGE, {}, seq=9)
        assert newest() == other() == 7
    with hub.joining("s") as newest:
        assert newest() == 0


class Notes:
    """The way to other processes, which keeps what was sent."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        del payload
        self.kinds.append(kind)


async def test_other_processes_hear_of_a_takeover_only_when_the_socket_may_be_theirs() -> None:
    notes = Notes()
    hub = Hub(Emitter(), notes)
    await seated(hub, "first", "s")
    seat = Seat("second", SHOP, "127.0.0.1")
    hub.arrive(seat)
    assert await hub.sit(seat, "s", 2, 3000, taken_from="first")
    assert notes.kinds == [], "the older socket sits here, and is told here"
    hub.leave("second")
    third = Seat("third", SHOP, "127.0.0.1")
    hub.arrive(third)
    assert await hub.sit(third, "s", 3, 3000)
    assert notes.kinds == [], "the older socket had released the session"
    assert await hub.sit(third, "s", 5, 3000, taken_from="elsewhere")
    assert notes.kinds == ["taken"]
    assert await hub.sit(third, "s", 7, 3000, taken_from="third")
    assert notes.kinds == ["taken"] * 2, "a claim that was carried out twice hides who was before it"


async def test_a_later_message_hides_no_earlier_one_that_is_missing() -> None:
    hub = Hub(Emitter())
    seat = await seated(hub, "socket", "s")
    for seq, known in ((1, 1), (3, 1), (2, 2), (2, 2)):
        hub.delivered("s", seq)
        assert seat.seq == known


def reconciler_of(hub: Hub, storage: Storage) -> Reconciler:
    return Reconciler(
        hub, storage.sessions, lambda site_id, session_id: SessionRef(site_id, session_id, LONG), lambda _: 3000
    )


async def test_a_socket_that_is_claiming_its_session_again_is_not_told_that_it_lost_it(storage: Storage) -> None:
    emitter = Emitter()
    hub, ref = Hub(emitter), await started(storage)
    await storage.sessions.claim(ref, "socket", 0, 1)
    await seated(hub, "socket", ref.session_id)
    await storage.sessions.claim(ref, "socket", 0, 1)
    await reconciler_of(hub, storage).look()
    assert emitter.events == []
    await storage.sessions.claim(ref, "newer", 0, 1)
    await reconciler_of(hub, storage).look()
    assert emitter.of("socket", wire.SESSION_TAKEN_OVER) == [{"sessionId": ref.session_id, "readOnlyMs": 3000}]


async def test_only_a_socket_that_stays_behind_is_caught_up(storage: Storage) -> None:
    emitter = Emitter()
    hub, ref = Hub(emitter), await started(storage)
    await storage.sessions.claim(ref, "socket", 0, 1)
    seat = await seated(hub, "socket", ref.session_id)
    await say(storage, ref, "lost")
    reconciler = reconciler_of(hub, storage)
    await reconciler.look()
    assert emitter.of("socket", wire.MESSAGE) == []
    await reconciler.look()
    assert len(emitter.of("socket", wire.MESSAGE)) == 1
    assert seat.seq == 1
    await reconciler.look()
    assert len(emitter.of("socket", wire.MESSAGE)) == 1


class Line:
    """A bus between two `Streams` that keeps the order of notes."""

    def __init__(self) -> None:
        self.ends: list[Streams] = []
        self.notes: list[str] = []

    def end(self, number: int) -> "End":
        return End(self, number)


class End:
    def __init__(self, line: Line, number: int) -> None:
        self._line = line
        self._number = number

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        self._line.notes.append(kind)
        other = self._line.ends[1 - self._number]
        encoded = msgspec.json.decode(msgspec.json.encode(payload))
        task = asyncio.create_task(other.heard(kind, encoded))
        task.add_done_callback(lambda done: done.result())


async def test_the_process_that_writes_a_reply_tells_it_and_nobody_asks_without_need() -> None:
    line = Line()
    writing: dict[str, list[wire.Stream]] = {"s": [wire.Stream("stream", "half a", 2)]}
    line.ends = [
        Streams(lambda _: [], lambda _: False, line.end(0)),
        Streams(lambda session_id: writing.get(session_id, []), writing.__contains__, line.end(1)),
    ]
    first, second = line.ends
    open_turn = Session("s", SITE, 0, 0, seq=1, asked=1)
    assert list(await asyncio.gather(first.of(open_turn), first.of(open_turn))) == [writing["s"]] * 2
    line.notes.clear()
    assert await second.of(open_turn) == writing["s"]
    assert await first.of(Session("s", SITE, 0, 0, seq=2, asked=1, answered=1)) == []
    assert line.notes == []
    assert await first.of(Session("unknown", SITE, 0, 0, seq=1, asked=1)) == []
