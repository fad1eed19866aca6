"""`FleetLimit`: what a process decides by itself, what it asks, and what it learns from the others."""

import asyncio
from typing import Any

import pytest

from leflux.protocol import Problem
from leflux.sites.rate_limits import SHARE, FleetLimit

LIMIT = 40


class Counter:
    """A counter that always answers `answer` and keeps what it was asked."""

    def __init__(self, answer: float | None) -> None:
        self.answer = answer
        self.asked: list[bool] = []

    async def charge(self, key: str, cost: float, burst: float, force: bool) -> float | None:
        self.asked.append(force)
        return self.answer


async def test_the_first_part_of_a_burst_waits_for_nobody_and_is_told() -> None:
    counter = Counter(0.0)
    limit = FleetLimit("address", LIMIT, counter)
    for _ in range(int(LIMIT * SHARE)):
        await limit.spend("1.2.3.4")
    await asyncio.sleep(0)
    assert counter.asked == [True] * int(LIMIT * SHARE)
    await limit.spend("1.2.3.4")
    assert counter.asked[-1] is False


async def test_what_the_counter_refuses_is_refused() -> None:
    limit = FleetLimit("address", LIMIT, Counter(-3.0))
    for _ in range(int(LIMIT * SHARE)):
        await limit.spend("1.2.3.4")
    with pytest.raises(Problem) as refused:
        await limit.spend("1.2.3.4")
    assert refused.value.details["retryAfterMs"] == 3001


async def test_without_an_answer_a_process_counts_alone() -> None:
    limit = FleetLimit("address", LIMIT, Counter(None))
    for _ in range(LIMIT):
        await limit.spend("1.2.3.4")
    with pytest.raises(Problem):
        await limit.spend("1.2.3.4")


async def test_a_key_near_its_limit_is_told_and_the_other_process_asks_at_once() -> None:
    told: list[dict[str, Any]] = []

    async def tell(note: dict[str, Any]) -> None:
        told.append(note)

    first = FleetLimit("address", LIMIT, Counter(30.0), tell)
    for _ in range(int(LIMIT * SHARE) + 1):
        await first.spend("1.2.3.4")
    assert told == [{"limit": "address", "key": "1.2.3.4", "used": 30.0}]
    counter = Counter(-2.0)
    second = FleetLimit("address", LIMIT, counter)
    await second.heard(told[0])
    await second.heard(told[0] | {"limit": "starts", "key": "5.6.7.8"})
    with pytest.raises(Problem):
        await second.spend("1.2.3.4")
    await second.spend("5.6.7.8")
    await asyncio.sleep(0)
    assert counter.asked == [False, True]
