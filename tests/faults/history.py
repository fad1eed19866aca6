"""What happened, in the order of one clock: a list of events, kept as JSON lines."""

import time
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["invoke", "ok", "refused", "unknown", "fault", "restless"]


class Stored(Struct, frozen=True):
    """A message as a reading of the store shows it."""

    seq: int
    role: str
    text: str
    key: str | None = None


class Event(Struct, frozen=True, omit_defaults=True):
    """One line. `call` joins an invocation with its end; `at` is in seconds of a clock that runs evenly.

    `op`: say, join, restore, purge; the name of a fault; or, for `restless`, what did not happen in time. `error`: the
    code of a refusal.
    """

    at: float
    kind: Kind
    op: str
    call: int = 0
    visitor: int = 0
    tab: str = ""
    session: str = ""
    key: str = ""
    text: str = ""
    seq: int = 0
    epoch: int = 0
    error: str = ""
    shown: tuple[Stored, ...] = ()


class Reading(Struct, frozen=True):
    """A session after everything has come to rest. `api` is None for a purged one; `export` is the log's; `store` is
    what the store's own files or commands show, None where that is not read.
    """

    visitor: int
    session: str
    api: tuple[Stored, ...] | None
    export: tuple[Stored, ...]
    store: tuple[Stored, ...] | None = None
    gone: str = ""
    """The code with which a purged session is refused."""
    left: int = 0
    """Places in the store that still hold the visitor's canary."""


class History:
    """Appends events. `file` gets each as a line, so that a run that dies leaves its history."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file = file
        self.events: list[Event] = []
        self._out = file.open("wb")
        self._calls = 0
        self._began = time.monotonic()

    def add(self, kind: Kind, op: str, **fields: object) -> Event:
        event = msgspec.convert({"at": time.monotonic() - self._began, "kind": kind, "op": op} | fields, Event)
        self.events.append(event)
        self._out.write(msgspec.json.encode(event) + b"\n")
        return event

    def invoke(self, op: str, **fields: object) -> int:
        """Record the beginning of a call; returns the number that its end carries."""
        self._calls += 1
        self.add("invoke", op, call=self._calls, **fields)
        return self._calls

    def close(self) -> None:
        self._out.close()


def canary(seed: int, visitor: int) -> str:
    """A word that only this visitor says."""
    return f"canary{seed}x{visitor}y"
