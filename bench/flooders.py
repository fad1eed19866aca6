"""A process that floods a server: `python -m bench.flooders PORT KIND COUNT`.

`COUNT` attackers, each with an address of its own, attack until standard input ends; whoever is hung up on comes back.
Four times a second the process says, as a line of JSON, how often what has happened: statuses of answers, codes of
close frames, connections that ended.
"""

import asyncio
import itertools
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from uuid import uuid4

import msgspec

from bench.flooder import OPEN, POLLING, Flooder, event, head, post, text, torn
from bench.frames import frame

PAUSE = 0.02
"""Seconds after the server has hung up."""

Attack = Callable[[Flooder], Awaitable[None]]
Chunks = Callable[[Flooder], Iterator[bytes]]


def frames(chunks: Chunks, pause: float = 0.0, reads: bool = True) -> Attack:
    """A WebSocket that has joined the namespace and then sends `chunks` without end."""

    async def attack(flooder: Flooder) -> None:
        async with flooder.connection() as (reader, writer):
            await flooder.upgrade(reader, writer)
            writer.write(text("40"))
            draining = asyncio.create_task(flooder.drain_frames(reader) if reads else asyncio.sleep(3_600))
            await flooder.send_all(writer, draining, chunks(flooder), pause)

    return attack


def requests(chunks: Chunks, reads: bool = True) -> Attack:
    """A connection that sends requests without waiting for answers."""

    async def attack(flooder: Flooder) -> None:
        async with flooder.connection() as (reader, writer):
            draining = asyncio.create_task(flooder.drain_answers(reader) if reads else asyncio.sleep(3_600))
            await flooder.send_all(writer, draining, chunks(flooder), 0)

    return attack


def always(data: bytes) -> Chunks:
    return lambda _: itertools.repeat(data)


def joined(data: Callable[[str], bytes]) -> Chunks:
    """Joins the session, then sends what `data` says of it."""

    def chunks(flooder: Flooder) -> Iterator[bytes]:
        yield text(f'42["join_session","{flooder.session_id}"]')
        yield from itertools.repeat(data(flooder.session_id))

    return chunks


def guesses(_: Flooder) -> Iterator[bytes]:
    while True:
        yield b"".join(head("GET", f"/api/session/{uuid4()}") for _ in range(50))


async def connections(flooder: Flooder) -> None:
    """Connections that say nothing: as many as there may be, and some more."""
    async with flooder.connection() as (reader, _):
        await asyncio.wait_for(flooder.drain_answers(reader), 1.0)


async def handshakes(flooder: Flooder) -> None:
    async with flooder.connection() as (reader, writer):
        await flooder.upgrade(reader, writer)


async def silent(flooder: Flooder) -> None:
    """Handshakes of sockets that never join."""
    async with flooder.connection() as (reader, writer):
        await flooder.upgrade(reader, writer)
        await flooder.drain_frames(reader)


async def polls(flooder: Flooder) -> None:
    """POSTs of a polling connection that hold nothing but noops."""
    async with flooder.connection() as (reader, writer):
        sid = await flooder.sid(reader, writer)
        body = b"\x1e".join([b"6"] * 30_000)
        await requests(always(post(f"{POLLING}&sid={sid}", body)))(flooder)


async def parallel_polls(flooder: Flooder) -> None:
    """Many polls of one connection at the same time."""
    async with flooder.connection() as (reader, writer):
        sid = await flooder.sid(reader, writer)
        await asyncio.gather(*(_poll(flooder, sid) for _ in range(20)), return_exceptions=True)


async def _poll(flooder: Flooder, sid: str) -> None:
    async with flooder.connection() as (reader, writer):
        writer.write(head("GET", f"{POLLING}&sid={sid}", "Connection: close\r\n"))
        await flooder.drain_answers(reader)


async def upgrades(flooder: Flooder) -> None:
    """Upgrades of one polling connection that are never finished."""
    async with flooder.connection() as (reader, writer):
        sid = await flooder.sid(reader, writer)
        await asyncio.gather(*(_half_upgrade(flooder, sid) for _ in range(20)), return_exceptions=True)


async def _half_upgrade(flooder: Flooder, sid: str) -> None:
    async with flooder.connection() as (reader, writer):
        await flooder.upgrade(reader, writer, f"{OPEN}&sid={sid}")
        writer.write(text("2probe"))
        await flooder.drain_frames(reader)


async def below_limits(flooder: Flooder) -> None:
    """Twenty sockets, each of which stays just below every limit."""
    await asyncio.gather(*(_BELOW(flooder) for _ in range(20)))


_MIXED = frame(b"", 9) * 20 + text("6") * 20 + text('42["x"]') * 20 + text("2") * 20 + torn(b"", 1) + frame(b"", 0)
_BELOW = frames(always(frame(b"", 10) * 95), pause=0.5)
KINDS: dict[str, Attack] = {
    "pongs": frames(always(frame(b"", 10) * 10_000)),
    "fragments": frames(always(torn(b"", 1) + torn(b"", 0) * 10_000)),
    "pings": frames(always(frame(b"", 9) * 10_000)),
    "noops": frames(always(text("6") * 10_000)),
    "unknown events": frames(always(text('42["x"]') * 5_000)),
    "joins": frames(joined(lambda session: text(f'421["join_session","{session}"]') * 500)),
    "restores": requests(lambda f: itertools.repeat(post(f"/api/session/{f.session_id}", b"{}") * 50)),
    "contexts": frames(joined(lambda s: event("update_context", {"sessionId": s, "context": {"a": "x" * 60_000}}))),
    "guesses": requests(guesses),
    "polls": polls,
    "connections": connections,
    "handshakes": handshakes,
}
"""The twelve kinds that were found."""


async def honest(flooder: Flooder) -> None:
    """No attack: messages, each after the answer to the one before. The load that the attacks are compared with."""
    async with flooder.connection() as (reader, writer):
        await flooder.upgrade(reader, writer)
        writer.write(text("40") + text(f'42["join_session","{flooder.session_id}"]'))
        while True:
            message = {"sessionId": flooder.session_id, "clientMessageId": str(uuid4()), "text": "honest"}
            writer.write(event("send_message", message))
            while b"431[" not in (data := await reader.read(65_536)):
                if not data:
                    raise ConnectionError("hung up")
            flooder.seen["messages"] += 1


HONEST = {"honest": honest}
SIBLINGS: dict[str, Attack] = {
    "mixed": frames(always(_MIXED * 50)),
    "below limits": below_limits,
    "slow readers": frames(always(frame(b"x" * 125, 9) * 500), reads=False),
    "slow restores": requests(
        lambda f: itertools.repeat(head("GET", f"/api/session/{f.session_id}/messages") * 50), reads=False
    ),
    "silent": silent,
    "acknowledgements": frames(always(text('431["' + "x" * 100_000 + '"]'))),
    "namespaces": frames(always(text("40/n,") * 5_000)),
    "leave and join": frames(always(text("41") + text("40"))),
    "attachments": frames(always(text('4599-["x"]') + frame(b"x" * 10_000, 2))),
    "parallel polls": parallel_polls,
    "upgrades": upgrades,
    "bad bodies": requests(always(post("/api/chat", b'{"a":' * 50_000))),
    "starts": requests(always(post("/api/session/init", b'{"websiteUrl": "x"}') * 50)),
    "large messages": frames(
        joined(lambda s: event("send_message", {"sessionId": s, "clientMessageId": "a", "text": "x" * 200_000}))
    ),
    "pages": requests(always(head("GET", "/demo/") * 50)),
    "scripts": requests(always(head("GET", "/leflux-agent.js") * 20), reads=False),
    "sign-ins": requests(always(post("/api/admin/login", b'{"email": "a@b.test", "password": "xxxxxxxxxxxx"}') * 5)),
}
"""The same ideas by other means."""


async def forever(flooder: Flooder, attack: Attack) -> None:
    while True:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            await attack(flooder)
        flooder.seen["ended"] += 1
        await asyncio.sleep(PAUSE)


async def main(port: int, kind: str, count: int) -> None:
    seen: Counter[str] = Counter()
    flooders = [Flooder(port, f"127.3.{number // 250}.{1 + number % 250}", seen) for number in range(count)]
    for flooder in flooders:
        with suppress(OSError, asyncio.IncompleteReadError):
            await flooder.start()
    seen.clear()
    attack = (KINDS | SIBLINGS | HONEST)[kind]
    attacks = [asyncio.create_task(forever(flooder, attack)) for flooder in flooders]
    if kind == "connections":
        attacks += [asyncio.create_task(forever(flooder, attack)) for flooder in flooders for _ in range(600 // count)]
    attacks.append(asyncio.create_task(report(seen)))
    await asyncio.to_thread(sys.stdin.read)
    for one in attacks:
        one.cancel()
    await asyncio.gather(*attacks, return_exceptions=True)


async def report(seen: Counter[str]) -> None:
    while True:
        print(msgspec.json.encode(seen).decode(), flush=True)
        await asyncio.sleep(0.25)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
