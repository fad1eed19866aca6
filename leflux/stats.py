"""The counters of one process, cheap enough for the hot path."""

import time
from typing import Literal

Restore = Literal["full", "partial", "new"]
Outcome = Literal["done", "resumed", "aborted"]


class Stats:
    """Plain numbers since this process started."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.messages = 0
        self.restores: dict[Restore, int] = {"full": 0, "partial": 0, "new": 0}
        self.tasks: dict[Outcome, int] = {"done": 0, "resumed": 0, "aborted": 0}

    def restored(self, how: Restore) -> None:
        self.restores[how] += 1

    def acted(self, how: Outcome) -> None:
        """A task has ended or resumed, by this process's doing."""
        self.tasks[how] += 1

    def uptime(self) -> float:
        """Seconds."""
        return time.monotonic() - self._started
