"""The small moments between processes: a message while a socket joins, a hole in what it was told, a second claim."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.clock import now_ms
from backends.records import Session, SessionRef
from leflux import protocol
from leflux.chat.policy import Policy
from leflux.chat.ports import VisitorSocket
from leflux.realtime.hub import Hub, NoBus, VisitorSockets
from leflux.realtime.notes import GONE, NoteHandlers
from leflux.realtime.presence import VisitorPresence
from leflux.realtime.reconciler import INTERVAL, Reconciler
from leflux.realtime.streams import Streams
from leflux.sites.registry import Site
from tests.contract.kit import LONG, SITE, say, started

SHOP = Site(SITE, "Shop", ["shop.test"])
POLICY = Policy(client_ttl=60, user_data_ttl=60, idle_ttl=LONG, task_hold=30, read_only=3)


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


class Notes(NoteHandlers):
    """The way to other processes, which keeps what was sent."""

    is_alone = False

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str] = []

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        del payload
        self.kinds.append(kind)


class NoTasks:
    """No page of these tests runs a task."""

    async def hold(self, ref: SessionRef, epoch: int) -> None:
        return None

    async def pause(self, ref: SessionRef) -> None:
        return None

    async def rejoin(self, ref: SessionRef, epoch: int, url: str | None, page: str, journal: Any) -> None:
        return None


class Process:
    """The sockets of one process. Keeps what its reconciler cancelled and caught up."""

    def __init__(self, storage: Storage | None = None) -> None:
        self.emitter = Emitter()
        self.notes = Notes()
        self.sockets = VisitorSockets()
        self.hub = Hub(self.emitter, self.sockets, self.notes)
        self.storage = storage
        self.cancelled: list[str] = []
        self.missed: list[str] = []

    def arrive(self, sid: str) -> VisitorSocket:
        socket = self.sockets.sockets[sid] = VisitorSocket(sid, SHOP, "127.0.0.1")
        return socket

    async def hold(self, socket: VisitorSocket, session_id: str, epoch: int, taken_from: str | None = None) -> bool:
        return await self.hub.hold(socket, Session(session_id, SITE, 0, 0, epoch=epoch), 3000, taken_from)

    async def held(self, sid: str, session_id: str, epoch: int = 1) -> VisitorSocket:
        socket = self.arrive(sid)
        assert await self.hold(socket, session_id, epoch)
        return socket

    def cancel(self, session_id: str) -> None:
        self.cancelled.append(session_id)

    async def _missed(self, ref: SessionRef) -> None:
        self.missed.append(ref.session_id)

    def presence(self) -> VisitorPresence:
        return VisitorPresence(self.hub, self.sockets, self, NoTasks(), lambda _: POLICY)

    def reconciler(self, interval: float = INTERVAL) -> Reconciler:
        assert self.storage is not None
        return Reconciler(
            hub=self.hub,
            sockets=self.sockets,
            store=self.storage.sessions,
            policy=lambda _: POLICY,
            missed=self._missed,
            presence=self.presence(),
            interval=interval,
        )


async def test_a_message_that_is_told_while_a_socket_joins_is_noticed_whoever_it_was_told_to() -> None:
    process = Process()
    hub, sockets = process.hub, process.sockets
    with hub.joining("s") as newest, hub.joining("s") as other:
        assert newest() == 0
        await hub.emit("s", protocol.MESSAGE, {}, seq=7)
        sockets.delivered("s", 5)
        await hub.emit("another", protocol.MESSAGE, {}, seq=9)
        assert newest() == other() == 7
    with hub.joining("s") as newest:
        assert newest() == 0


async def test_other_processes_hear_of_a_takeover_only_when_the_socket_may_be_theirs() -> None:
    process = Process()
    kinds = process.notes.kinds
    await process.held("first", "s")
    assert await process.hold(process.arrive("second"), "s", 2, taken_from="first")
    assert kinds == [], "the older socket is here, and is told here"
    process.sockets.remove("second")
    third = process.arrive("third")
    assert await process.hold(third, "s", 3)
    assert kinds == [], "the older socket had released the session"
    assert await process.hold(third, "s", 5, taken_from="elsewhere")
    assert kinds == ["taken"]
    assert await process.hold(third, "s", 7, taken_from="third")
    assert kinds == ["taken"] * 2, "a claim that was carried out twice hides who was before it"


async def test_a_later_message_hides_no_earlier_one_that_is_missing() -> None:
    process = Process()
    socket = await process.held("socket", "s")
    for seq, known in ((1, 1), (3, 1), (2, 2), (2, 2)):
        process.sockets.delivered("s", seq)
        assert socket.seq == known


async def test_a_session_that_has_ended_elsewhere_ends_here() -> None:
    process = Process()
    await process.held("socket", "s")
    note = {"sessionId": "s", "event": protocol.SESSION_DELETED}
    await process.notes.heard(GONE, note)
    assert process.emitter.of("socket", protocol.SESSION_DELETED) == [{"sessionId": "s"}]
    assert process.sockets.position("s") is None
    assert process.notes.kinds == [], "a note is not passed on"


async def test_a_socket_that_is_claiming_its_session_again_is_not_told_that_it_lost_it(storage: Storage) -> None:
    process, ref = Process(storage), await started(storage)
    await storage.sessions.claim(ref, "socket", 0, 1)
    await process.held("socket", ref.session_id)
    await storage.sessions.claim(ref, "socket", 0, 1)
    await process.reconciler().look()
    assert process.emitter.events == []
    await storage.sessions.claim(ref, "newer", 0, 1)
    await process.reconciler().look()
    told = protocol.TakenOver(ref.session_id, 3000)
    assert process.emitter.of("socket", protocol.SESSION_TAKEN_OVER) == [told]


async def test_only_a_socket_that_stays_behind_is_caught_up(storage: Storage) -> None:
    process, ref = Process(storage), await started(storage)
    await storage.sessions.claim(ref, "socket", 0, 1)
    socket = await process.held("socket", ref.session_id)
    await say(storage, ref, "lost")
    reconciler = process.reconciler()
    await reconciler.look()
    assert process.emitter.of("socket", protocol.MESSAGE) == []
    await reconciler.look()
    assert len(process.emitter.of("socket", protocol.MESSAGE)) == 1
    assert (socket.seq, process.missed) == (1, [ref.session_id])
    await reconciler.look()
    assert len(process.emitter.of("socket", protocol.MESSAGE)) == 1


async def test_what_was_erased_behind_a_process_is_cancelled_and_told_there(storage: Storage) -> None:
    process, ref = Process(storage), await started(storage)
    await process.held("socket", ref.session_id)
    await storage.sessions.delete(ref, LONG)
    await process.reconciler().look()
    assert process.cancelled == [ref.session_id]
    assert process.emitter.of("socket", protocol.SESSION_DELETED) == [{"sessionId": ref.session_id}]


@pytest.mark.parametrize(
    ("age", "interval", "looks", "event"),
    [
        (0.0, 2.0, 4, protocol.HISTORY_LOST),
        # No other process can have shortened the idle time.
        (0.0, 20.0, 1, protocol.HISTORY_LOST),
        (2 * LONG, 2.0, 1, protocol.SESSION_EXPIRED),
    ],
)
async def test_a_session_that_is_missing_is_told_as_lost_or_expired(
    storage: Storage, age: float, interval: float, looks: int, event: str
) -> None:
    process = Process(storage)
    session_id = str(uuid4())
    socket = await process.held("socket", session_id)
    socket.last_activity = now_ms() - int(age * 1000)
    reconciler = process.reconciler(interval)
    for _ in range(looks - 1):
        await reconciler.look()
    assert process.emitter.events == []
    await reconciler.look()
    assert process.emitter.of("socket", event) == [{"sessionId": session_id}]


class Line:
    """A bus between two `Streams` that keeps the order of notes."""

    def __init__(self) -> None:
        self.ends = [End(self, number) for number in (0, 1)]
        self.notes: list[str] = []


class End(NoteHandlers):
    """One process's bus."""

    is_alone = False

    def __init__(self, line: Line, number: int) -> None:
        super().__init__()
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
    writing: dict[str, list[protocol.Stream]] = {"s": [protocol.Stream("stream", "half a", 2)]}
    first = Streams(lambda _: [], lambda _: False, lambda _: None, line.ends[0])
    second = Streams(lambda session_id: writing.get(session_id, []), writing.__contains__, lambda _: None, line.ends[1])
    session = Session("s", SITE, 0, 0, seq=1, asked=1)
    assert list(await asyncio.gather(first.of(session), first.of(session))) == [writing["s"]] * 2
    line.notes.clear()
    assert await second.of(session) == writing["s"]
    assert await Streams(lambda _: [], lambda _: False, lambda _: None, NoBus()).of(session) == []
    assert line.notes == []
    assert await first.of(Session("unknown", SITE, 0, 0, seq=1, asked=1)) == []
