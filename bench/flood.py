"""How long an honest message takes beside one, ten and sixty attackers of each kind, directly and through nginx.

The figure is the processor time that the server's event loop spends between a message and its acknowledgement, which is
what the message waits on a machine that does nothing else. The time by the clock stands in the note. Each figure is
compared with that beside as many honest clients, who send messages without a pause: their fair share of the processor.
Messages are kept in memory: the disk has nothing to do with it.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import pytest
from msgspec import Struct

from bench.flooder import Flooder, event, text
from bench.flooders import HONEST, KINDS, SIBLINGS, Attack
from bench.table import Row, absent
from tests.security.target import Target, target
from tests.services.nginx import proxied
from tests.services.server import ROOT

COUNTS = (1, 10, 60)
VISITORS, MESSAGES, PAUSE = 6, 25, 0.05
UNLIMITED = 1_000_000


class Cell(Struct, frozen=True):
    """One measurement. `waits`: milliseconds by the clock, `works`: of the event loop; `grown`: bytes; `lost`: honest
    sockets that were closed."""

    waits: list[float]
    works: list[float]
    grown: int
    lost: int
    heard: dict[str, int]

    @property
    def p99(self) -> float:
        return p99(self.works)


def p99(samples: list[float]) -> float:
    return quantiles(samples, n=100, method="inclusive")[98]


class Visitor:
    """An honest visitor with a socket."""

    def __init__(self, port: int, address: str, server: Target) -> None:
        self._server = server
        self._client = Flooder(port, address, Counter())

    async def talk(self, waits: list[float], works: list[float]) -> None:
        """Send messages and note how long each took until it was stored."""
        await self._client.start()
        async with self._client.connection() as (reader, writer):
            await self._client.upgrade(reader, writer)
            writer.write(text("40") + event("join_session", self._client.session_id, 2))
            await _until(reader, b"432[")
            for _ in range(MESSAGES):
                message = {"sessionId": self._client.session_id, "clientMessageId": str(uuid4()), "text": "honest"}
                began, worked = time.perf_counter(), self._server.work()
                writer.write(event("send_message", message))
                await _until(reader, b"431[")
                waits.append((time.perf_counter() - began) * 1000)
                works.append((self._server.work() - worked) * 1000)
                await asyncio.sleep(PAUSE)


async def _until(reader: asyncio.StreamReader, start: bytes) -> None:
    seen = b""
    while start not in seen:
        data = await reader.read(65_536)
        if not data:
            raise ConnectionError("an honest socket was closed")
        seen = seen[-16:] + data


class Matrix:
    """Measures cells against one server, by one way."""

    rounds = 1

    def __init__(self, server: Target, port: int) -> None:
        self._server = server
        self._port = port
        self._numbers = iter(range(1, 60_000))

    async def measure(self, kind: str | None, count: int) -> Cell:
        waits: list[float] = []
        works: list[float] = []
        heard: dict[str, int] = {}
        async with AsyncExitStack() as stack:
            before = self._server.memory()
            if kind is not None:
                heard = await stack.enter_async_context(_flooded(self._port, kind, count))
            ended: list[object] = []
            for _ in range(self.rounds):
                visitors = [Visitor(self._port, self._address(), self._server) for _ in range(VISITORS)]
                ended += await asyncio.gather(*(one.talk(waits, works) for one in visitors), return_exceptions=True)
            grown = self._server.memory() - before
        return Cell(waits, works, grown, sum(isinstance(one, Exception) for one in ended), heard)

    def _address(self) -> str:
        number = next(self._numbers)
        return f"127.5.{number // 250}.{1 + number % 250}"


@asynccontextmanager
async def _flooded(port: int, kind: str, count: int) -> AsyncIterator[dict[str, int]]:
    """Attackers at work; what they have heard is filled in at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.flooders", str(port), kind, str(count)),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    heard: dict[str, int] = {}
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield heard
    finally:
        process.kill()
        lines = (await process.stdout.read()).splitlines()
        await process.wait()
        heard.update(json.loads(lines[-1]) if lines and lines[-1].endswith(b"}") else {})


async def flood(rounds: int) -> list[Row]:
    """The twelve kinds by both ways, and their siblings directly; each cell is measured in so many rounds."""
    Matrix.rounds = rounds
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="leflux-flood-") as name:
        folder = Path(name)
        with _server(folder / "limits") as limited, _server(folder / "free", **_FREE) as free:
            rows += await _table("direct", limited, free, limited.port, free.port, {**KINDS, **SIBLINGS})
            try:
                async with (
                    proxied(folder / "limits", [limited.port] * 2) as first,
                    proxied(folder / "free", [free.port] * 2) as second,
                ):
                    rows += await _table("nginx", limited, free, first, second, KINDS)
            except pytest.skip.Exception as why:
                rows.append(absent("message beside a flood", "nginx", str(why)))
    return rows


_FREE = dict.fromkeys(("init_per_minute", "messages_per_minute", "address_messages_per_minute"), UNLIMITED)


def _server(folder: Path, **limits: int) -> AbstractContextManager[Target]:
    folder.mkdir()
    return target("memory", folder, **limits)


async def _table(
    way: str, limited: Target, free: Target, port: int, free_port: int, kinds: Mapping[str, Attack]
) -> list[Row]:
    quiet = await Matrix(limited, port).measure(None, 0)
    rows = [_row(way, "nobody", 0, quiet, quiet, "nobody")]
    beside = {count: await Matrix(free, free_port).measure(next(iter(HONEST)), count) for count in COUNTS}
    rows += [_row(way, "honest clients", count, cell, quiet, "nobody") for count, cell in beside.items()]
    matrix = Matrix(limited, port)
    for kind in kinds:
        for count in COUNTS if kind in KINDS else COUNTS[1:2]:
            cell = await matrix.measure(kind, count)
            rows.append(_row(way, kind, count, cell, beside[count], f"{count} honest"))
            print(rows[-1], flush=True)
    return rows


def _row(way: str, kind: str, count: int, cell: Cell, other: Cell, name: str) -> Row:
    heard = ", ".join(f"{what} {number}" for what, number in sorted(cell.heard.items()))
    clock = f"by the clock {p99(cell.waits):.0f} ms, median {median(cell.waits):.0f} ms"
    note = f"{clock}; memory {cell.grown / 1e6:+.0f} MB; lost {cell.lost}; heard: {heard}"
    against = f"times the {other.p99:.1f} ms beside {name}"
    return Row(f"p99 beside {count} {kind}", way, cell.p99, "ms", None, cell.p99 / other.p99, against, note)
