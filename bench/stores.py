"""The cost of an append and of the restore of a tail in a session of 10, 1,000 and 10,000 messages, on each store.

The three sessions of a store take turns in one run. `ratio` is the median over that of the shortest session.
Firestore's own client is measured beside the driver (see `floor`).
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import msgspec

from backends.base import Storage
from backends.records import Draft, NewSession, SessionRef
from bench.floor import Floor
from bench.servers import ABSENT
from bench.table import Row, absent, spread
from tests.contract.backends import BACKENDS, Place

LENGTHS = (10, 1_000, 10_000)
TAIL = 50
CALLS = 20
WARM_UP = 30
"""Warm-up calls of each kind, which are not counted."""
FILL_AT_ONCE = 200
Calls = dict[tuple[str, int], Callable[[], Awaitable[Any]]]
"""By subject and length of the session."""
DEFAULT = ("memory", "sqlite", "redis", "redis-cluster", "firestore")


async def measure(names: list[str], rounds: int) -> list[Row]:
    """The rows of the named stores, or of all stores that can be started here."""
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
            if name == "redis":
                # As in the other rows, without a flush for each write: the disk is not measured.
                service.ask(b"CONFIG", b"SET", b"appendfsync", b"no")
            return await _rows(name, Place(Path(folder), uuid4().hex[:12], service), rounds)


async def _rows(name: str, place: Place, rounds: int) -> list[Row]:
    async with BACKENDS[name].harness(place) as harness:
        storage = await harness.open()
        floor = Floor() if name == "firestore" else None
        try:
            refs = {length: await _filled(storage, length) for length in LENGTHS}
            appends: Calls = {(name, n): partial(_append, storage, refs[n]) for n in LENGTHS}
            restores: Calls = {(name, n): partial(storage.sessions.restore, refs[n], 0, TAIL) for n in LENGTHS}
            if floor is not None:
                for length in LENGTHS:
                    await floor.fill(length)
                plain = f"{name}, client alone"
                appends |= {(plain, n): partial(floor.append, n) for n in LENGTHS}
                restores |= {(plain, n): partial(floor.restore, n, TAIL) for n in LENGTHS}
                restores |= {(f"{plain}, by id", n): partial(floor.restore_by_id, n, TAIL) for n in LENGTHS}
            taken = await _interleaved(appends, rounds), await _interleaved(restores, rounds)
        finally:
            await storage.close()
            if floor is not None:
                floor.close()
    return [*_table("append", taken[0]), *_table(f"restore the last {TAIL}", taken[1])]


async def _filled(storage: Storage, length: int) -> SessionRef:
    ref = SessionRef("bench", str(uuid4()), 3600.0)
    await storage.sessions.create(ref, NewSession())
    for start in range(0, length, FILL_AT_ONCE):
        count = min(FILL_AT_ONCE, length - start)
        await asyncio.gather(*(storage.sessions.append(ref, _draft()) for _ in range(count)))
    return ref


async def _append(storage: Storage, ref: SessionRef) -> None:
    await storage.sessions.append(ref, _draft())


def _draft() -> Draft:
    key = str(uuid4())
    text = "How long does it take until a lamp arrives, and what does that cost?"
    body = msgspec.json.encode({"id": key, "role": "visitor", "text": text})
    return Draft(id=key, role="visitor", text=text, body=body, client_message_id=key, fingerprint=key, logged=False)


async def _interleaved(calls: Calls, rounds: int) -> dict[tuple[str, int], list[float]]:
    taken: dict[tuple[str, int], list[float]] = {name: [] for name in calls}
    order = list(calls.items())
    for number in range(WARM_UP + rounds * CALLS):
        # Work that the store does every few calls must not always meet the same session.
        random.shuffle(order)
        for name, call in order:
            start = time.perf_counter()
            await call()
            if number >= WARM_UP:
                taken[name].append((time.perf_counter() - start) * 1e6)
    return taken


def _table(what: str, taken: dict[tuple[str, int], list[float]]) -> list[Row]:
    rows = []
    for (subject, length), samples in taken.items():
        against = f"times the time at {LENGTHS[0]}" if length != LENGTHS[0] else ""
        took = median(samples)
        ratio = took / median(taken[subject, LENGTHS[0]]) if against else None
        rows.append(Row(f"{what} at {length:,}", subject, took, "µs", spread(samples), ratio, against))
    return rows
