"""What an append and the restore of a tail cost in a session of 10, 1,000 and 10,000 messages, on each store.

The three sessions of a store take turns in one run, so that a slow moment of the machine meets all alike; `ratio` is
the median over the one of the shortest session.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import msgspec

from backends.base import Storage
from backends.records import Draft, NewSession, SessionRef
from bench.servers import ABSENT
from bench.table import Row, absent, spread
from tests.contract.backends import BACKENDS, Place

LENGTHS = (10, 1_000, 10_000)
TAIL = 50
CALLS = 20
FILL_AT_ONCE = 200
DEFAULT = ("memory", "sqlite", "redis", "redis-cluster", "firestore")


async def measure(names: list[str], rounds: int) -> list[Row]:
    """The rows of the named stores, or of all that this machine can start."""
    rows: list[Row] = []
    # The appends bring the shortest session to the length of the tail, which is restored afterwards.
    rounds = max(rounds, -(-(TAIL - LENGTHS[0]) // CALLS))
    for name in names or DEFAULT:
        try:
            rows += await _store(name, rounds)
        except ABSENT as why:
            rows.append(absent("append, restore", name, str(why)))
    return rows


async def _store(name: str, rounds: int) -> list[Row]:
    backend = BACKENDS[name]
    with tempfile.TemporaryDirectory() as folder:
        if backend.service is None:
            return await _rows(name, Place(Path(folder), uuid4().hex[:12], None), rounds)
        with backend.service() as service:
            return await _rows(name, Place(Path(folder), uuid4().hex[:12], service), rounds)


async def _rows(name: str, place: Place, rounds: int) -> list[Row]:
    async with BACKENDS[name].harness(place) as harness:
        storage = await harness.open()
        try:
            refs = {length: await _filled(storage, length) for length in LENGTHS}
            appends = await _interleaved(refs, rounds, lambda ref: storage.sessions.append(ref, _draft()))
            restores = await _interleaved(refs, rounds, lambda ref: storage.sessions.restore(ref, 0, TAIL))
        finally:
            await storage.close()
    return [*_table(name, "append", appends), *_table(name, f"restore the last {TAIL}", restores)]


async def _filled(storage: Storage, length: int) -> SessionRef:
    ref = SessionRef("bench", str(uuid4()), 3600.0)
    await storage.sessions.create(ref, NewSession())
    for start in range(0, length, FILL_AT_ONCE):
        count = min(FILL_AT_ONCE, length - start)
        await asyncio.gather(*(storage.sessions.append(ref, _draft()) for _ in range(count)))
    return ref


def _draft() -> Draft:
    key = str(uuid4())
    text = "How long does it take until a lamp arrives, and what does that cost?"
    body = msgspec.json.encode({"id": key, "role": "visitor", "text": text})
    return Draft(id=key, role="visitor", text=text, body=body, client_message_id=key, fingerprint=key, logged=False)


async def _interleaved(
    refs: dict[int, SessionRef], rounds: int, call: Callable[[SessionRef], Awaitable[Any]]
) -> dict[int, list[float]]:
    taken: dict[int, list[float]] = {length: [] for length in refs}
    order = list(refs.items())
    for _ in range(rounds * CALLS):
        # Whatever the store does every few calls must not always meet the same session.
        random.shuffle(order)
        for length, ref in order:
            start = time.perf_counter()
            await call(ref)
            taken[length].append((time.perf_counter() - start) * 1e6)
    return taken


def _table(store: str, what: str, taken: dict[int, list[float]]) -> list[Row]:
    base = median(taken[LENGTHS[0]])
    rows = []
    for length, samples in taken.items():
        against = f"times the time at {LENGTHS[0]}" if length != LENGTHS[0] else ""
        ratio = median(samples) / base if against else None
        took = median(samples)
        rows.append(Row(f"{what} at {length:,}", store, took, "µs", spread(samples), ratio, against))
    return rows
