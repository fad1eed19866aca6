"""What an author tells the suite about a store, and what the suite makes of it.

A test never asks which store it has. What differs is declared: a test of something that a store does not claim is not
collected for it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends import StoreSettings, open_store
from backends.base import Storage
from backends.split import SplitStorage

DEADLINE = 30.0
"""Seconds a call may take here: a hundred callers on a slow, shared machine are no outage."""


class StoreHarness:
    """Inherit from this. `settings` is required; everything else has a default.

    `durable`: what was acknowledged is there after the store was opened again. `shared`: several openings may work on
    the same data at one time. `machines`: on several machines, so it has a clock of its own (G4). `flat`: a message
    costs the same in a long session (S15).
    """

    durable = True
    shared = True
    machines = True
    flat = True

    def start(self) -> None:
        """Start what the store needs, or start it again after `kill`, with the data that it has."""

    def stop(self) -> None:
        """Stop it, and leave nothing behind."""

    def settings(self, folder: Path, tag: str) -> StoreSettings:
        """Settings for data that no other test has: `folder` is empty, and no other test has this `tag`."""
        raise NotImplementedError

    def kill(self) -> None:
        """End what the store needs at once, as a crash does. `start` follows. Left out: there is nothing to kill."""
        raise NotImplementedError

    def freeze(self) -> None:
        """Let it answer nothing and close nothing, until `thaw`."""
        raise NotImplementedError

    def thaw(self) -> None:
        """End `freeze`."""
        raise NotImplementedError

    def cut(self) -> None:
        """End every connection to it at once. New ones are accepted."""
        raise NotImplementedError

    @classmethod
    def has(cls, fault: str) -> bool:
        """Whether the author has given this method."""
        return getattr(cls, fault) is not getattr(StoreHarness, fault)


class StorePlace(Struct, frozen=True):
    """Where one test keeps its data: an empty folder, a `tag` no other test has, what `service` started."""

    folder: Path
    tag: str
    service: Any


class Harness(Struct, frozen=True):
    """Opens storages on one test's data; opened again, they find it as it was left.

    `open`: the log shares the store. `open_split`: the log is in another store.
    """

    open: Callable[[], Awaitable[Storage]]
    open_split: Callable[[], Awaitable[Storage]]


def _no_environment(place: StorePlace) -> dict[str, str]:
    return {}


class StoreEntry(Struct, frozen=True):
    """One store of a run. `service` starts what it needs, once for the whole run, when its first test wants it.

    `settings` and `environment` are how a server process is told to use it; without them it is not tested that way.
    `faults` is the harness that a test of faults has for itself.
    """

    harness: Callable[[StorePlace], AbstractAsyncContextManager[Harness]]
    durable: bool = True
    shared: bool = True
    machines: bool = False
    flat: bool = True
    service: Callable[[], AbstractContextManager[Any]] | None = None
    settings: Callable[[StorePlace, str], StoreSettings] | None = None
    environment: Callable[[StorePlace], dict[str, str]] = _no_environment
    faults: type[StoreHarness] | None = None

    def has(self, fault: str) -> bool:
        return self.faults is not None and self.faults.has(fault)


def from_settings(
    choose: Callable[[StorePlace, str], StoreSettings],
) -> Callable[[StorePlace], AbstractAsyncContextManager[Harness]]:
    """A harness for what `open_storage` knows. `choose(place, part)` gives each `part` data of its own."""

    @asynccontextmanager
    async def harness(place: StorePlace) -> AsyncIterator[Harness]:
        state, log = choose(place, "state"), choose(place, "log")

        async def open_() -> Storage:
            return await open_store(state, log_shares_store=True)

        async def open_split() -> Storage:
            return SplitStorage(
                await open_store(state, log_shares_store=False), await open_store(log, log_shares_store=True)
            )

        yield Harness(open_, open_split)

    return harness


def entry_of(kind: type[StoreHarness]) -> StoreEntry:
    """The entry of a harness that an author has written."""

    @contextmanager
    def running() -> Iterator[StoreHarness]:
        made = kind()
        try:
            made.start()
            yield made
        finally:
            made.stop()

    def choose(place: StorePlace, part: str) -> StoreSettings:
        folder = place.folder / part
        folder.mkdir(exist_ok=True)
        settings: StoreSettings = place.service.settings(folder, f"{place.tag}-{part}")
        return settings

    return StoreEntry(
        from_settings(choose),
        durable=kind.durable,
        shared=kind.shared,
        machines=kind.machines,
        flat=kind.flat,
        service=running,
        settings=choose,
        faults=kind,
    )
