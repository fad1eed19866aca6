"""Listens for connections, and closes them when it stops."""

import asyncio
import socket
from collections.abc import Iterable

from tornado.httputil import HTTPServerConnectionDelegate

from leflux.http1.connection import ServerConnection
from leflux.http1.registry import AccessLog, ConnectionRegistry, HttpLimits

BACKLOG = 4_096
"""Connections that may wait to be accepted, if the kernel allows it (`somaxconn`). A client that finds no place
tries again after a second or more, and that is slow when many connect at once.
"""
GRACE = 2.0
"""Seconds that answers under way may still take when every connection is closed."""


class HttpServer:
    """Serves `delegate`, usually a `tornado.web.Application`. Made and used within a running loop."""

    def __init__(
        self,
        delegate: HTTPServerConnectionDelegate,
        limits: HttpLimits | None = None,
        log_access: AccessLog | None = None,
        base_path: str = "",
    ) -> None:
        """`base_path`: what every path begins with; `delegate` sees paths without it. Others are answered 404."""
        self._registry = ConnectionRegistry(delegate, limits or HttpLimits(), log_access, base_path)
        self._listeners: list[asyncio.Server] = []

    def serve(self, delegate: HTTPServerConnectionDelegate) -> None:
        """Hand the next requests to `delegate`."""
        self._registry.delegate = delegate

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on bound sockets, which belong to the server from now on."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            listener = await loop.create_server(lambda: ServerConnection(self._registry), sock=sock, backlog=BACKLOG)
            self._listeners.append(listener)

    def stop(self) -> None:
        """Accept no more, close what waits for a request, and every other connection with its answer."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self._registry.is_stopping = True
        self._shut()

    def _shut(self) -> None:
        for connection in tuple(self._registry.connections):
            connection.shut()

    async def close_all_connections(self) -> None:
        """Wait a moment for the answers under way, then close whatever is open. What was detached is not ours."""
        self._shut()
        try:
            async with asyncio.timeout(GRACE):
                await self._registry.wait_empty()
        except TimeoutError:
            for connection in tuple(self._registry.connections):
                connection.abort()
            await self._registry.wait_empty()
        self._registry.stop()
