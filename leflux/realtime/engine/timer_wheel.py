"""One timer for all sockets: a wheel of slots that turns once a tick.

The wheel moves by ticks that the loop really ran. A process that was frozen for a minute therefore comes back
to sockets that still have their full time to answer.
"""

import asyncio
import math
from typing import Protocol


class Timed(Protocol):
    """What the wheel holds. `slot` belongs to the wheel."""

    slot: int

    def due(self) -> None: ...


NOWHERE = -1


class TimerWheel:
    """Schedules with a precision of `tick` seconds, for delays up to `longest`."""

    def __init__(self, tick: float, longest: float) -> None:
        self._tick = tick
        self._slots: list[set[Timed]] = [set() for _ in range(math.ceil(longest / tick) + 2)]
        self._cursor = 0
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def schedule(self, item: Timed, delay: float) -> None:
        """Call `item.due()` once after about `delay` seconds, instead of any earlier appointment."""
        self.cancel(item)
        ahead = max(1, min(math.ceil(delay / self._tick), len(self._slots) - 1))
        item.slot = (self._cursor + ahead) % len(self._slots)
        self._slots[item.slot].add(item)
        self._size += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._turn)

    def cancel(self, item: Timed) -> None:
        if item.slot != NOWHERE:
            self._slots[item.slot].discard(item)
            item.slot = NOWHERE
            self._size -= 1

    def _turn(self) -> None:
        self._timer = None
        self._cursor = (self._cursor + 1) % len(self._slots)
        due = self._slots[self._cursor]
        self._slots[self._cursor] = set()
        for item in due:
            item.slot = NOWHERE
        self._size -= len(due)
        for item in due:
            item.due()
        if self._size and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._turn)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __len__(self) -> int:
        return self._size
