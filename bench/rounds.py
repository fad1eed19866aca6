"""Runs the subjects of a comparison in turns, so that a slow moment of the machine affects all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import Protocol

from msgspec import Struct

from bench.servers import Server
from bench.table import Row, row

WARM_UP = 0.5
_LOOK, _IDLE, _PATIENCE = 0.1, 0.011, 10.0
"""Seconds: between two looks at a server, of processor time that count as idle, and the longest wait."""


class Subject(Protocol):
    """A measurement of a server. `run` works for so many seconds and returns how many operations that were."""

    @property
    def server(self) -> Server: ...

    async def run(self, seconds: float) -> int: ...


class Work(Struct, frozen=True):
    """An operation that several workers repeat against a server."""

    server: Server
    workers: Sequence[Callable[[], Awaitable[None]]]

    async def run(self, seconds: float) -> int:
        end = time.perf_counter() + seconds

        async def repeat(once: Callable[[], Awaitable[None]]) -> int:
            count = 0
            while time.perf_counter() < end:
                await once()
                count += 1
            return count

        return sum(await asyncio.gather(*map(repeat, self.workers)))


class Sample(Struct, frozen=True):
    """One slice: operations per second and their costs.

    `cpu`, `store`: microseconds of the server and of its Redis per operation, with deferred work. `client`: the share
    of one processor that this process used. `late`: seconds until the server had done its deferred work.
    """

    rate: float
    cpu: float
    store: float
    client: float
    late: float


async def interleaved(works: Sequence[Subject], rounds: int, seconds: float) -> list[list[Sample]]:
    """The samples of each work. The first slice of each is a warm-up and is not counted."""
    samples: list[list[Sample]] = [[] for _ in works]
    for work in works:
        await _slice(work, WARM_UP)
    for number in range(rounds):
        order = range(len(works)) if number % 2 == 0 else reversed(range(len(works)))
        for index in order:
            samples[index].append(await _slice(works[index], seconds))
    return samples


async def _slice(work: Subject, seconds: float) -> Sample:
    cpu, store = work.server.cpu(), work.server.store_cpu()
    start, own = time.perf_counter(), time.process_time()
    total = await work.run(seconds)
    took = time.perf_counter() - start
    client = (time.process_time() - own) / took
    late = await _quiet(work.server)
    cpu, store = work.server.cpu() - cpu, work.server.store_cpu() - store
    return Sample(total / took, cpu / total * 1e6, store / total * 1e6, client, late)


async def _quiet(server: Server) -> float:
    """Wait until the server is idle; returns the seconds that it took."""
    start = time.perf_counter()
    while True:
        cpu = server.cpu()
        await asyncio.sleep(_LOOK)
        took = time.perf_counter() - start
        if server.cpu() - cpu <= _IDLE or took > _PATIENCE:
            return took - _LOOK


def rates(what: str, works: Sequence[Subject], samples: Sequence[Sequence[Sample]], against: str) -> list[Row]:
    """A line for each work. `ratio`: the median over the rounds of its rate divided by the rate of `against`."""
    base = next(taken for work, taken in zip(works, samples, strict=True) if work.server.name == against)
    rows = []
    for work, taken in zip(works, samples, strict=True):
        cpu = median(sample.cpu for sample in taken)
        client = median(sample.client for sample in taken)
        store = median(sample.store for sample in taken)
        redis = f", Redis {store:.0f} µs" if store else ""
        note = f"CPU: server {cpu:.0f} µs each{redis}, client {client:.0%} of a core"
        if (late := median(sample.late for sample in taken)) > _LOOK:
            note += f", busy for {late:.1f} s afterwards"
        line = row(what, work.server.name, [sample.rate for sample in taken], "1/s", note)
        if taken is not base:
            ratio = median(one.rate / other.rate for one, other in zip(taken, base, strict=True))
            line = _compared(line, ratio, against)
        rows.append(line)
    return rows


def _compared(line: Row, ratio: float, against: str) -> Row:
    return Row(
        line.what, line.subject, line.value, line.unit, line.spread, ratio, f"times the rate of {against}", line.note
    )
