"""Our bookkeeping of sockets and rooms answers as python-socketio's own does, whatever happens in whatever order."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from socketio.base_manager import BaseManager

from leflux.realtime.engine.sio import RoomRegistry

SPACES = ("/", "/dashboard")
ROOMS = ("red", "blue")
CONNECTIONS = tuple(f"connection-{number}" for number in range(4))


def managers() -> tuple[Any, Any]:
    """The library's and ours; both give the same ids."""
    made = []
    for kind in (BaseManager, RoomRegistry):
        numbers = iter(range(1_000_000))
        manager = kind()
        manager.server = SimpleNamespace(
            eio=SimpleNamespace(generate_id=lambda numbers=numbers: f"sid-{next(numbers)}")
        )
        made.append(manager)
    return made[0], made[1]


class Agreement(RuleBasedStateMachine):
    """A socket's life: it comes, is connected, enters and leaves rooms, is leaving, and has left."""

    sockets = Bundle("sockets")

    def __init__(self) -> None:
        super().__init__()
        self.theirs, self.ours = managers()
        self.ever: list[str] = []

    @rule(target=sockets, space=st.sampled_from(SPACES), connection=st.sampled_from(CONNECTIONS))
    def comes(self, space: str, connection: str) -> tuple[str, str]:
        if self.ours.sid_from_eio_sid(connection, space) is not None:
            # The library forgets to take back the id that it has given by then; nobody asks it twice (see `sio`).
            assert self.ours.pre_connect(connection, space) is None
            return space, "nobody"
        sid = self.theirs.pre_connect(connection, space)
        # Refused ones above may have used up some of ours.
        while (mine := self.ours.pre_connect(connection, space)) != sid:
            self.ours.basic_disconnect(mine, space)
        self.ever.append(sid)
        return space, sid

    @rule(socket=sockets)
    def is_connected(self, socket: tuple[str, str]) -> None:
        space, sid = socket
        if self.ours.is_pre_connected(sid, space):
            assert self.ours.connect(sid, space) == self.theirs.connect(sid, space)

    @rule(socket=sockets, room=st.sampled_from(ROOMS))
    def enters(self, socket: tuple[str, str], room: str) -> None:
        space, sid = socket
        if self.ours.eio_sid_from_sid(sid, space) is not None:
            self.theirs.basic_enter_room(sid, space, room)
            self.ours.basic_enter_room(sid, space, room)

    @rule(socket=sockets, room=st.sampled_from(ROOMS))
    def leaves(self, socket: tuple[str, str], room: str) -> None:
        space, sid = socket
        self.theirs.basic_leave_room(sid, space, room)
        self.ours.basic_leave_room(sid, space, room)

    @rule(space=st.sampled_from(SPACES), room=st.sampled_from(ROOMS))
    def is_closed(self, space: str, room: str) -> None:
        self.theirs.basic_close_room(room, space)
        self.ours.basic_close_room(room, space)

    @rule(socket=sockets)
    def is_leaving(self, socket: tuple[str, str]) -> None:
        space, sid = socket
        if self.ours.is_connected(sid, space):
            assert self.ours.pre_disconnect(sid, space) == self.theirs.pre_disconnect(sid, space)

    @rule(socket=consumes(sockets))
    def has_left(self, socket: tuple[str, str]) -> None:
        space, sid = socket
        self.theirs.basic_disconnect(sid, space)
        self.ours.basic_disconnect(sid, space)

    @invariant()
    def they_agree(self) -> None:
        assert set(self.ours.get_namespaces()) == set(self.theirs.get_namespaces())
        for space in SPACES:
            for room in (None, *ROOMS, *self.ever, list(ROOMS)):
                ours, theirs = (dict(manager.get_participants(space, room)) for manager in (self.ours, self.theirs))
                assert ours == theirs, room
            for connection in CONNECTIONS:
                ours, theirs = (manager.sid_from_eio_sid(connection, space) for manager in (self.ours, self.theirs))
                assert ours == theirs
            for sid in self.ever:
                assert _seen(self.ours, sid, space) == _seen(self.theirs, sid, space)

    @invariant()
    def nothing_is_left_of_those_who_left(self) -> None:
        for space in self.ours.rooms.values():
            assert space.connections
            assert {*space.coming, *space.leaving, *space.rooms_of} <= space.connections.keys()
            assert all(space.rooms.values())


def _seen(manager: Any, sid: str, space: str) -> tuple[Any, ...]:
    return (
        manager.is_connected(sid, space),
        manager.is_pre_connected(sid, space),
        manager.is_sid_room(space, sid),
        sorted(manager.get_rooms(sid, space)),
    )


TestAgreement = Agreement.TestCase


def test_what_is_not_here_cannot_enter_and_nobody_enters_anothers_own_room() -> None:
    _, manager = managers()
    with pytest.raises(ValueError, match="not connected"):
        manager.basic_enter_room("sid-0", "/", "red")
    first, second = manager.pre_connect("connection-1", "/"), manager.pre_connect("connection-2", "/")
    with pytest.raises(ValueError, match="not connected"):
        manager.basic_enter_room("sid-9", "/", "red")
    with pytest.raises(ValueError, match="sid room"):
        manager.basic_enter_room(first, "/", second)
    with pytest.raises(ValueError, match="sid room"):
        manager.basic_close_room(first, "/")
    manager.basic_enter_room(first, "/", first)
    assert manager.get_rooms(first, "/") == [first]
