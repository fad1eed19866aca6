"""The clock of a store that lives in this process: it runs evenly, whatever happens to the wall clock.

It starts at the wall clock and follows the kernel's uptime. Setting the clock changes nothing, and the time of a
suspend counts. Between two looks at the uptime it follows the monotonic clock, which is cheaper and finer.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

EVERY = 1.0
"""Seconds between two looks at the uptime."""
TOLERANCE = 1.0
"""Seconds: smaller differences are rounding."""


def read_uptime() -> float:
    """Seconds since the machine started; the monotonic clock where the kernel does not tell."""
    try:
        return float(Path("/proc/uptime").read_bytes().split()[0])
    except (OSError, ValueError, IndexError):
        return time.monotonic()


class EvenClock:
    """`wall`, `monotonic` and `uptime` are in seconds. May be used from any thread."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        uptime: Callable[[], float] = read_uptime,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._uptime = uptime
        self._lock = threading.Lock()
        self._checked = monotonic()
        self._uptime_ahead = uptime() - self._checked
        self._now_ahead = wall() - self._checked
        self._wall_ahead = 0.0

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        now = self._monotonic()
        if not 0 <= now - self._checked < EVERY:
            now = self._check()
        return int((self._now_ahead + now) * 1000)

    def _check(self) -> float:
        with self._lock:
            self._checked = now = self._monotonic()
            missed = self._uptime() - now - self._uptime_ahead
            if abs(missed) > TOLERANCE:
                self._uptime_ahead += missed
                self._now_ahead += missed
            return now

    def wall_jump(self) -> float:
        """By how many seconds the wall clock was set since the last call; 0 for what is within the tolerance."""
        ahead = self._wall() - self.now_ms() / 1000
        jump = ahead - self._wall_ahead
        if abs(jump) <= TOLERANCE:
            return 0.0
        self._wall_ahead = ahead
        return jump


CLOCK = EvenClock()


def now_ms() -> int:
    """Milliseconds since the epoch by the clock of this process."""
    return CLOCK.now_ms()


def utc_date(seconds: float) -> str:
    """The UTC day of a time since the epoch, `YYYY-MM-DD`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
