"""A question and its streamed reply: every word is sent to the visitor's socket, and the reply is stored at the end."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from bench.client import LIMIT, BadAnswer
from bench.rounds import Work, interleaved, rates
from bench.servers import TEXT, Server, join, missing, say, servers
from bench.table import Row, absent

SOCKETS = 50
SECONDS = 1.5
CHUNKS = len(f"echo: {TEXT}".split())
WHAT = f"streamed reply of {CHUNKS} chunks"


async def streamed(rounds: int) -> list[Row]:
    """LeFlux with its echo agent against the peer with the same agent, each with a bus to other processes."""
    if why := missing():
        return [absent(WHAT, "LeFlux, peer", why)]
    with servers() as started:
        compared = [await started.leflux(message_log=False, agent="echo"), await started.peer(echoes=True)]
        works = [Work(server, [await _asker(server) for _ in range(SOCKETS)]) for server in compared]
        return rates(WHAT, works, await interleaved(works, rounds, SECONDS), "peer")


async def _asker(server: Server) -> Callable[[], Awaitable[None]]:
    session_id = await server.session()
    socket = await join(server, session_id)
    numbers = itertools.count()
    heard: list[bytes] = []
    done = asyncio.Event()

    def hear(packet: bytes) -> None:
        heard.append(packet)
        if packet.startswith(b'42["message_done"'):
            done.set()

    async def ask() -> None:
        done.clear()
        await say(socket, session_id, f"ask-{next(numbers)}")
        async with asyncio.timeout(LIMIT):
            await done.wait()
        if len(heard) != CHUNKS + 1:
            raise BadAnswer(b"\n".join(heard)[:500])
        heard.clear()

    socket.heard = hear
    return ask
