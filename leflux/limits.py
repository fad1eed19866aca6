"""Rate limits in one process: a key may spend `per_minute` at once and earns them back evenly (GCRA)."""

import time
from collections.abc import Callable

from leflux.problems import Problem

_MINUTE = 60.0


class RateLimit:
    """Remembers one number for each busy key, and forgets the keys that have earned everything back."""

    __slots__ = ("_burst", "_clock", "_cost", "_full_at", "_sweep_at")

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cost = _MINUTE / per_minute
        self._burst = _MINUTE
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._sweep_at = clock() + _MINUTE

    def spend(self, key: str) -> None:
        """Take one. Raises `rate_limited` with `retryAfterMs` when `key` has none left."""
        now = self._clock()
        if now >= self._sweep_at:
            self._forget(now)
        full_at = max(self._full_at.get(key, now), now) + self._cost
        wait = full_at - now - self._burst
        if wait > 1e-9:
            raise Problem("rate_limited", "Too many requests. Try again shortly.", retryAfterMs=round(wait * 1000) + 1)
        self._full_at[key] = full_at

    def _forget(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._sweep_at = now + _MINUTE

    def __len__(self) -> int:
        return len(self._full_at)
