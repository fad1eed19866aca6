"""Everybody connects at once, as after a restart: each socket joins its own session and leaves."""

import asyncio
import time
from collections.abc import Iterator
from statistics import quantiles

from msgspec.structs import replace

from bench.client import Socket
from bench.rounds import interleaved, rates
from bench.servers import Server, join, missing, servers
from bench.table import Row, absent

AT_ONCE = 500
"""Connections that are being opened at a time. The next one is opened when one has joined."""


class Storm:
    """`sessions`: one for each socket; None for a server without sessions. `waits`: seconds until joined."""

    def __init__(self, server: Server, sessions: list[str] | list[None]) -> None:
        self.server = server
        self.waits: list[float] = []
        self._sessions = sessions

    async def run(self, _seconds: float) -> int:
        left = iter(self._sessions)
        opened = await asyncio.gather(*(self._open_some(left) for _ in range(AT_ONCE)))
        sockets = [socket for some in opened for socket in some]
        await asyncio.gather(*(socket.leave() for socket in sockets))
        return len(sockets)

    async def _open_some(self, left: Iterator[str | None]) -> list[Socket]:
        opened = []
        for session_id in left:
            start = time.perf_counter()
            joining = Socket.open(self.server.port) if session_id is None else join(self.server, session_id)
            opened.append(await joining)
            self.waits.append(time.perf_counter() - start)
        return opened


async def storm(rounds: int, sockets: int) -> list[Row]:
    """LeFlux, the peer, and python-socketio on its own driver, whose sockets join nothing."""
    what = f"connect storm of {sockets:,}"
    if why := missing():
        return [absent(what, "LeFlux, peer", why)]
    with servers() as started:
        storms = [
            Storm(server, await server.sessions(sockets)) for server in (await started.leflux(), await started.peer())
        ]
        storms.append(Storm(await started.stock(), [None] * sockets))
        samples = await interleaved(storms, rounds, 0.0)
    return [_waited(line, one) for line, one in zip(rates(what, storms, samples, "peer"), storms, strict=True)]


def _waited(line: Row, one: Storm) -> Row:
    late = quantiles(one.waits, n=100)
    return replace(
        line, note=f"{line.note}; joined after {late[49]:.2f} s, the last of a hundred after {late[98]:.2f} s"
    )
