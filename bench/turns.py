"""A visitor message that is stored and acknowledged over Socket.IO, by fifty sockets at once."""

import itertools
from collections.abc import Awaitable, Callable

from bench.client import Socket
from bench.rounds import Work, interleaved, rates
from bench.servers import Server, Servers, join, missing, say, servers
from bench.table import Row, absent

SOCKETS = 50
SECONDS = 1.5
WHAT = f"stored turn, {SOCKETS} sockets"
ECHO = f"acknowledged echo, {SOCKETS} sockets"


async def stored(rounds: int) -> list[Row]:
    """LeFlux on Redis against the peer on the same Redis, with and without a permanent, searchable log, and the floor:
    a transport that only acknowledges.
    """
    if why := missing():
        return [absent(WHAT, "LeFlux, peer", why)]
    with servers() as started:
        logged = [await started.leflux(), await started.peer(message_log=True)]
        plain = [await started.leflux(message_log=False), await started.peer()]
        works = [await _talking(server) for server in (*plain, *logged)]
        works.append(await _echoing(await started.transport()))
        samples = await interleaved(works, rounds, SECONDS)
        rows = rates(WHAT, [*works[:2], works[4]], [*samples[:2], samples[4]], "peer")
        rows.append(rates(WHAT, [works[0], works[4]], [samples[0], samples[4]], "bare transport")[0])
        return rows + rates(f"{WHAT}, logged", works[2:4], samples[2:4], "peer, log on")


async def echoed(rounds: int) -> list[Row]:
    """python-socketio on its own driver, which stores nothing, against LeFlux, which stores in memory."""
    with servers() as started:
        works = [await _talking(await _in_memory(started)), await _echoing(await started.stock())]
        return rates(ECHO, works, await interleaved(works, rounds, SECONDS), "stock socketio")


async def _in_memory(started: Servers) -> Server:
    return await started.leflux("memory")


async def _talking(server: Server) -> Work:
    return Work(server, [await _talker(server) for _ in range(SOCKETS)])


async def _talker(server: Server) -> Callable[[], Awaitable[None]]:
    session_id = await server.session()
    socket = await join(server, session_id)
    return _turns(socket, session_id)


async def _echoing(server: Server) -> Work:
    return Work(server, [_turns(await Socket.open(server.port), "none") for _ in range(SOCKETS)])


def _turns(socket: Socket, session_id: str) -> Callable[[], Awaitable[None]]:
    numbers = itertools.count()

    async def turn() -> None:
        await say(socket, session_id, f"turn-{next(numbers)}")

    return turn
