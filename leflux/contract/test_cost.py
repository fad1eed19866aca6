"""S15: a message costs the same in a long session as in a short one. Work is counted, not timed."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from backends.base import Storage
from backends.records import SessionRef
from leflux.contract.harness import Harness
from leflux.contract.kit import say, started

SHORT_SESSION = 100
AT_ONCE = 200
TRIES = 10
SLACK = 200
"""Calls, or hundreds of bytes, that one message may cost more or less by chance."""


class WorkCounter:
    """Counts the calls of Python in every thread that begins later, and the bytes that this process writes."""

    def __init__(self) -> None:
        self.calls = 0

    def count(self, frame: FrameType, event: str, argument: Any) -> None:
        self.calls += event in ("call", "c_call")

    def work(self) -> tuple[int, int]:
        """Calls and hundreds of bytes so far; 0 bytes where the kernel does not tell."""
        file = Path("/proc/self/io")
        told = dict(line.split(": ") for line in file.read_text().splitlines()) if file.exists() else {}
        return self.calls, int(told.get("wchar", 0)) // 100


@contextmanager
def counting() -> Iterator[WorkCounter]:
    counter = WorkCounter()
    threading.setprofile(counter.count)
    sys.setprofile(counter.count)
    try:
        yield counter
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def cost(counter: WorkCounter, storage: Storage, ref: SessionRef) -> tuple[int, int]:
    """The least of some messages: the store does other work in between."""
    costs: list[tuple[int, int]] = []
    for _ in range(TRIES):
        before = counter.work()
        await say(storage, ref, "one more", logged=False)
        after = counter.work()
        costs.append((after[0] - before[0], after[1] - before[1]))
    return min(calls for calls, _ in costs), min(written for _, written in costs)


async def fill(storage: Storage, ref: SessionRef, count: int) -> None:
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(
            *(say(storage, ref, f"text {number}", logged=False) for number in range(first, first + AT_ONCE))
        )


@pytest.mark.parametrize("long", [2_000, pytest.param(100_000, marks=pytest.mark.soak)])
async def test_s15_a_message_costs_the_same_in_a_long_session(flat: Harness, long: int) -> None:
    with counting() as counter:
        storage = await flat.open()
        short_ref, long_ref = await started(storage), await started(storage)
        sys.setprofile(None)
        await fill(storage, short_ref, SHORT_SESSION)
        await fill(storage, long_ref, long)
        sys.setprofile(counter.count)
        short, longer = await cost(counter, storage, short_ref), await cost(counter, storage, long_ref)
        await storage.close()
    assert all(more <= 2 * less + SLACK for less, more in zip(short, longer, strict=True)), (short, longer)
