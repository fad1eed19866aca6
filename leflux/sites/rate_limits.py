"""Rate limits by the generic cell rate algorithm (GCRA): in one process, and one number for all processes.

Of a limit that all processes share, a process takes the first part of a key's burst by itself and tells the shared
counter afterwards, so a usual message costs no round trip more. Beyond that part it asks the counter first. A key that
comes near its limit in one process is told to the others, which then ask first, too. Without a counter, or while it is
away, each process counts alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

from backends.errors import SessionNotFound
from leflux.protocol import Problem

_MINUTE = 60.0
SHARE = 1 / 8
"""The part of a burst that a process takes without asking."""
NEAR_LIMIT = "rate"
"""The note `{limit, key, used}` of a key that has used more than that, with `used` in seconds."""


class RateLimit:
    """Allows each key `per_minute` calls at once and refills evenly. Keeps one number for each key in use."""

    __slots__ = ("_clock", "_cost", "_full_at", "_sweep_at", "burst")

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = _MINUTE / per_minute
        self.burst = _MINUTE
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._sweep_at = clock() + _MINUTE

    def spend(self, key: str, cost: int = 1) -> None:
        """Take `cost`. Raises `rate_limited` with `retryAfterMs` when `key` has not so many left."""
        self.check(key, cost)
        self.charge(key, cost)

    def charge(self, key: str, cost: int) -> None:
        """Take `cost`, whether or not `key` has so many left."""
        now = self._clock()
        if now >= self._sweep_at:
            self._forget(now)
        self._full_at[key] = self._after(key, now, cost)

    def check(self, key: str, cost: int = 1) -> None:
        """Raise `rate_limited` where `spend` would; take nothing."""
        now = self._clock()
        wait = self._after(key, now, cost) - now - self.burst
        if wait > 1e-9:
            self.refuse(wait)

    def refuse(self, wait: float) -> NoReturn:
        """Raises `rate_limited`; `wait` in seconds."""
        raise Problem("rate_limited", "Too many requests. Try again shortly.", retryAfterMs=round(wait * 1000) + 1)

    def seconds(self, cost: int) -> float:
        """The part of the burst that `cost` takes."""
        return min(self._cost * cost, self.burst)

    def used(self, key: str) -> float:
        """The seconds of the burst that `key` has in use."""
        now = self._clock()
        return max(self._full_at.get(key, now), now) - now

    def learn(self, key: str, used: float) -> None:
        """At least `used` seconds of the burst are in use, as another process knows."""
        self._full_at[key] = max(self._full_at.get(key, 0.0), self._clock() + used)

    def _after(self, key: str, now: float, cost: int) -> float:
        return max(self._full_at.get(key, now), now) + self.seconds(cost)

    def _forget(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._sweep_at = now + _MINUTE

    def __len__(self) -> int:
        return len(self._full_at)


class RateCounter(Protocol):
    """Counts for all processes, by GCRA as `RateLimit` does."""

    def charge(self, key: str, cost: float, burst: float, force: bool) -> Awaitable[float | None]:
        """Seconds of `burst` in use after `cost` more; negative, the seconds to wait, when it was refused.

        With `force` it is never refused. None while the counter is away.
        """


class FleetLimit:
    """`spend` is one `RateLimit` for all processes. `tell(note)` reaches the other processes; it may be lost."""

    def __init__(
        self,
        name: str,
        per_minute: int,
        counter: RateCounter | None = None,
        tell: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> None:
        self.local = RateLimit(per_minute)
        self._name = name
        self._counter = counter
        self._tell = tell

    async def spend(self, key: str, cost: int = 1) -> None:
        """Take `cost`. Raises `rate_limited` with `retryAfterMs` when `key` has not so many left."""
        local, counter = self.local, self._counter
        local.check(key, cost)
        if counter is None:
            local.charge(key, cost)
            return
        seconds = local.seconds(cost)
        if local.used(key) + seconds <= SHARE * local.burst:
            local.charge(key, cost)
            told = asyncio.ensure_future(counter.charge(self._named(key), seconds, local.burst, True))
            told.add_done_callback(lambda answer: self._learn(key, answer.result()))
            return
        used = await counter.charge(self._named(key), seconds, local.burst, False)
        if used is None:
            local.spend(key, cost)
            return
        if used < 0:
            local.refuse(-used)
        self._learn(key, used)
        if self._tell is not None:
            await self._tell({"limit": self._name, "key": key, "used": used})

    def _named(self, key: str) -> str:
        return f"{self._name}:{key}"

    def _learn(self, key: str, used: float | None) -> None:
        if used is not None:
            self.local.learn(key, used)

    async def heard(self, note: dict[str, Any]) -> None:
        """Another process has told `note`."""
        if note["limit"] == self._name:
            self.local.learn(note["key"], note["used"])


LOOKUP_MISSES_PER_MINUTE = 60


class LookupLimit:
    """Limits guesses of session ids: an address may ask for so many sessions that do not exist, and then for none.

    Use it around each look-up by id: `with lookups.guard(address): ...`.
    """

    def __init__(self, misses_per_minute: int = LOOKUP_MISSES_PER_MINUTE) -> None:
        self._misses = RateLimit(misses_per_minute)

    @contextmanager
    def guard(self, address: str) -> Iterator[None]:
        """Raises `rate_limited` for an address with too many misses; counts a miss when the block raises one."""
        self._misses.check(address)
        try:
            yield
        except SessionNotFound:
            self._misses.spend(address)
            raise
