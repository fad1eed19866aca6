"""The counters of one process, cheap enough for the hot path."""

import time
from typing import Literal, Protocol

Restore = Literal["full", "partial", "new"]
Outcome = Literal["done", "resumed", "aborted"]


class Counter(Protocol):
    """Counts the same by site, for the owner."""

    def restored(self, site_id: str, how: Restore, milliseconds: float | None = None) -> None: ...
    def acted(self, site_id: str, how: Outcome) -> None: ...
    def said(self, site_id: str, created: bool) -> None: ...
    def missed(self, site_id: str) -> None: ...


class Stats:
    """Plain numbers since this process started; `counter` hears of each as well."""

    def __init__(self, counter: Counter | None = None) -> None:
        self._started = time.monotonic()
        self._counter = counter
        self.messages = 0
        self.restores: dict[Restore, int] = {"full": 0, "partial": 0, "new": 0}
        self.tasks: dict[Outcome, int] = {"done": 0, "resumed": 0, "aborted": 0}

    def restored(self, site_id: str, how: Restore, milliseconds: float | None = None) -> None:
        """A page got its conversation: all of it, a part of it, or a new one."""
        self.restores[how] += 1
        if self._counter is not None:
            self._counter.restored(site_id, how, milliseconds)

    def acted(self, site_id: str, how: Outcome) -> None:
        """A task has ended or resumed, by this process's doing."""
        self.tasks[how] += 1
        if self._counter is not None:
            self._counter.acted(site_id, how)

    def said(self, site_id: str, created: bool) -> None:
        """A visitor's message was stored, or was known already."""
        self.messages += created
        if self._counter is not None:
            self._counter.said(site_id, created)

    def missed(self, site_id: str) -> None:
        """A page lacked messages that it should have been sent, and got them now."""
        if self._counter is not None:
            self._counter.missed(site_id)

    def uptime(self) -> float:
        """Seconds."""
        return time.monotonic() - self._started
