"""The latency of honest visitors beside misbehaving clients, and without them."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median, quantiles

from bench.attacks import ATTACKS, attack_forever
from bench.client import Socket
from bench.servers import Server, join, missing, say, servers
from bench.table import Row, absent, spread

TALKERS = 20
PAUSE = 0.02
SECONDS = 4.0
EACH = 10
"""How many clients of each kind misbehave at a time."""
WHAT = f"turn beside {EACH * len(ATTACKS)} hostile"


class Beside:
    """Visitors of one server who send at a fixed pace. `waits`: milliseconds until stored, a list for each slice."""

    def __init__(self, server: Server, talkers: Sequence[tuple[Socket, str]], victims: Sequence[str]) -> None:
        self.server = server
        self.quiet: list[list[float]] = []
        self.loud: list[list[float]] = []
        self.closings: list[str] = []
        self._talkers = talkers
        self._victims = victims
        self._numbers = itertools.count()

    @classmethod
    async def open(cls, server: Server) -> "Beside":
        sessions = await server.sessions(TALKERS + EACH)
        talkers = [(await join(server, session_id), session_id) for session_id in sessions[:TALKERS]]
        return cls(server, talkers, sessions[TALKERS:])

    async def measure(self) -> None:
        self.quiet.append(await self._slice())
        async with self._attacked():
            self.loud.append(await self._slice())

    async def _slice(self) -> list[float]:
        end = time.perf_counter() + SECONDS
        waits: list[float] = []

        async def talk(socket: Socket, session_id: str) -> None:
            while (start := time.perf_counter()) < end:
                await say(socket, session_id, f"beside-{next(self._numbers)}")
                waits.append((time.perf_counter() - start) * 1000)
                await asyncio.sleep(PAUSE)

        await asyncio.gather(*(talk(*talker) for talker in self._talkers))
        return waits

    @asynccontextmanager
    async def _attacked(self) -> AsyncIterator[None]:
        attackers = [
            asyncio.create_task(attack_forever(self.server.port, victim, attack, self.closings))
            for attack in ATTACKS
            for victim in self._victims
        ]
        try:
            yield
        finally:
            for attacker in attackers:
                attacker.cancel()
            await asyncio.gather(*attackers, return_exceptions=True)


async def beside(rounds: int) -> list[Row]:
    """LeFlux and the peer, each compared with itself without misbehaving clients."""
    if why := missing():
        return [absent(WHAT, "LeFlux, peer", why)]
    with servers() as started:
        subjects = [await Beside.open(await started.leflux()), await Beside.open(await started.peer())]
        for subject in subjects:
            await subject.measure()
        before = [subject.server.memory() for subject in subjects]
        for number in range(rounds):
            for subject in subjects if number % 2 == 0 else reversed(subjects):
                await subject.measure()
        grown = [subject.server.memory() - then for subject, then in zip(subjects, before, strict=True)]
    return [line for subject, more in zip(subjects, grown, strict=True) for line in _lines(subject, more)]


def _lines(subject: Beside, grown: int) -> list[Row]:
    closed = ", ".join(f"{name} {count}" for name, count in sorted(Counter(subject.closings).items()))
    notes = (f"memory {grown / 1e6:+.1f} MB since the first round", f"hung up on: {closed}")
    return [
        _line(subject, f"{WHAT}, {name}", percent, note)
        for (name, percent), note in zip((("median", 50), ("p99", 99)), notes, strict=True)
    ]


def _line(subject: Beside, what: str, percent: int, note: str) -> Row:
    # The first slice warmed up the server.
    quiet = [_at(waits, percent) for waits in subject.quiet[1:]]
    loud = [_at(waits, percent) for waits in subject.loud[1:]]
    ratio = median(one / other for one, other in zip(loud, quiet, strict=True))
    against = f"times the {median(quiet):.1f} ms without them"
    return Row(what, subject.server.name, median(loud), "ms", spread(loud), ratio, against, note)


def _at(waits: Sequence[float], percent: int) -> float:
    return quantiles(waits, n=100, method="inclusive")[percent - 1]
