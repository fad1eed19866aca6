"""Listens, and takes down again."""

import asyncio
import socket
from collections.abc import Iterable

from tornado.httputil import HTTPServerConnectionDelegate

from leflux.http1.connection import Connection
from leflux.http1.keeper import Keeper, Limits

BACKLOG = 4_096
"""Connections that may wait to be accepted, if the kernel allows it (`somaxconn`). What finds no place here waits a
second or more until it tries again, just when everybody comes at once.
"""
GRACE = 2.0
"""Seconds that answers under way may still take when every connection is closed."""


class HttpServer:
    """Serves `delegate`, usually a `tornado.web.Application`. Made and used within a running loop."""

    def __init__(self, delegate: HTTPServerConnectionDelegate, limits: Limits | None = None) -> None:
        self._keeper = Keeper(delegate, limits or Limits())
        self._listeners: list[asyncio.Server] = []

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on bound sockets, which belong to the server from now on."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            listener = await loop.create_server(lambda: Connection(self._keeper), sock=sock, backlog=BACKLOG)
            self._listeners.append(listener)

    def stop(self) -> None:
        """Accept no more, close what waits for a request, and every other connection with its answer."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._keeper.is_stopping = True
        self._shut()

    def _shut(self) -> None:
        for connection in tuple(self._keeper.connections):
            connection.shut()

    async def close_all_connections(self) -> None:
        """Wait a moment for the answers under way, then close whatever is open. What was detached is not ours."""
        self._shut()
        try:
            async with asyncio.timeout(GRACE):
                await self._keeper.wait_empty()
        except TimeoutError:
            for connection in tuple(self._keeper.connections):
                connection.abort()
            await self._keeper.wait_empty()
        self._keeper.stop()
