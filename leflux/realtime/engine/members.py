"""Which sockets are connected to which namespace, and in which rooms. Nothing here grows with the number of sockets.

python-socketio's own client manager looks through every room of the process when a socket leaves, and through a list
of all who are leaving whenever a socket says something. What is overridden here is its whole bookkeeping, so that
nothing of it is left to look.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field
from socketio.base_manager import BaseManager


class Space(Struct, eq=False):
    """One namespace. A socket of it has an id of its own, `sid`, beside the one of its connection."""

    connections: dict[str, str] = field(default_factory=dict)
    sids: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, dict[str, None]] = field(default_factory=dict)
    rooms_of: dict[str, list[str]] = field(default_factory=dict)
    coming: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)


class Members(BaseManager):  # type: ignore[misc]
    """The bookkeeping of `socketio.BaseManager`, by its names. `rooms` maps a namespace to its `Space`."""

    rooms: dict[str, Space]

    def get_namespaces(self) -> list[str]:
        return list(self.rooms)

    def get_participants(self, namespace: str, room: str | list[str] | None) -> Iterator[tuple[str, str]]:
        """`(sid, connection)` of those in the room: of one socket when it is a `sid`, of all when it is None."""
        space = self.rooms.get(namespace)
        if space is None:
            return iter(())
        if room is None:
            return iter(list(space.connections.items()))
        if isinstance(room, str):
            connection = space.connections.get(room)
            chosen = [room] if connection is not None else space.rooms.get(room, ())
        else:
            chosen = {sid: None for one in room for sid, _ in self.get_participants(namespace, one)}
        return iter([(sid, space.connections[sid]) for sid in chosen])

    def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        space = self.rooms.get(namespace)
        if space is None:
            space = self.rooms[namespace] = Space()
        elif eio_sid in space.sids:
            return None
        sid: str = self.server.eio.generate_id()
        space.connections[sid] = eio_sid
        space.sids[eio_sid] = sid
        space.coming.add(sid)
        return sid

    def connect(self, sid: str, namespace: str) -> str:
        self.rooms[namespace].coming.discard(sid)
        return sid

    def is_pre_connected(self, sid: str, namespace: str) -> bool:
        space = self.rooms.get(namespace)
        return space is not None and sid in space.coming

    def is_connected(self, sid: str, namespace: str) -> bool:
        space = self.rooms.get(namespace)
        return space is not None and sid in space.connections and sid not in space.leaving and sid not in space.coming

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        space = self.rooms.get(namespace)
        return None if space is None else space.sids.get(eio_sid)

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        space = self.rooms.get(namespace)
        return None if space is None else space.connections.get(sid)

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        space = self.rooms[namespace]
        space.leaving.add(sid)
        return space.connections.get(sid)

    def basic_disconnect(self, sid: str, namespace: str, **_: Any) -> None:
        space = self.rooms.get(namespace)
        if space is None:
            return
        for room in list(space.rooms_of.get(sid, ())):
            self.basic_leave_room(sid, namespace, room)
        space.sids.pop(space.connections.pop(sid, ""), None)
        space.coming.discard(sid)
        space.leaving.discard(sid)
        self.callbacks.pop(sid, None)
        if not space.connections:
            del self.rooms[namespace]

    def is_sid_room(self, namespace: str, room: str | None) -> bool:
        space = self.rooms.get(namespace)
        return space is not None and room in space.connections

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:
        """Raises `ValueError` when the socket is not here, or the room is another socket's own."""
        del eio_sid
        space = self.rooms.get(namespace)
        if space is None or sid not in space.connections:
            raise ValueError("sid is not connected to requested namespace")
        if room in space.connections:
            if room == sid:
                return
            raise ValueError("cannot enter a sid room")
        members = space.rooms.setdefault(room, {})
        if sid not in members:
            members[sid] = None
            space.rooms_of.setdefault(sid, []).append(room)

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        space = self.rooms.get(namespace)
        members = None if space is None else space.rooms.get(room)
        if space is None or members is None or sid not in members:
            return
        del members[sid]
        if not members:
            del space.rooms[room]
        rooms = space.rooms_of[sid]
        rooms.remove(room)
        if not rooms:
            del space.rooms_of[sid]

    def basic_close_room(self, room: str, namespace: str) -> None:
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid, _ in self.get_participants(namespace, room):
            self.basic_leave_room(sid, namespace, room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        space = self.rooms.get(namespace)
        if space is None or sid not in space.connections:
            return []
        return [sid, *space.rooms_of.get(sid, ())]
