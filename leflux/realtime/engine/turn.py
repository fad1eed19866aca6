"""What one turn of the event loop has to say to one socket goes out as one write: each write is a system call."""

import asyncio
from typing import Protocol


class Held(Protocol):
    """A socket that has something to send."""

    def release(self) -> None:
        """Send it."""


class Turn:
    """The sockets of a process that hold something until the turn ends."""

    __slots__ = ("_sockets",)

    def __init__(self) -> None:
        self._sockets: list[Held] = []

    def add(self, socket: Held) -> None:
        if not self._sockets:
            asyncio.get_running_loop().call_soon(self._end)
        self._sockets.append(socket)

    def _end(self) -> None:
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            socket.release()
