"""Rate limits that all processes share: one number, however many processes serve.

A process takes the first part of a key's burst by itself and tells the shared counter afterwards, so a usual message
costs no round trip more. Beyond that part it asks the counter first. A key that comes near its limit in one process is
told to the others, which then ask first, too. Without a counter, or while it is away, each process counts alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from leflux.sites.rate_limits import RateLimit

SHARE = 1 / 8
"""The part of a burst that a process takes without asking."""
NEAR_LIMIT = "rate"
"""The note `{limit, key, used}` of a key that has used more than that, with `used` in seconds."""


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
