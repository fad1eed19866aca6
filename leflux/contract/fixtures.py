"""The fixtures of the suite, over the stores of a run. A test's id ends with its store's name."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec import Struct
from msgspec.structs import replace

from backends import StoreSettings
from backends.base import Storage
from leflux.contract.harness import Harness, StoreEntry, StoreHarness, StorePlace

Service = Callable[[], AbstractContextManager[Any]]
CLAIMS: dict[str, Callable[[StoreEntry], bool]] = {
    "harness": lambda entry: True,
    "durable": lambda entry: entry.durable,
    "shared": lambda entry: entry.shared,
    "flat": lambda entry: entry.flat,
    "machines": lambda entry: entry.machines and entry.settings is not None,
    "killable": lambda entry: entry.durable and entry.has("kill"),
    "freezable": lambda entry: entry.has("freeze"),
    "cuttable": lambda entry: entry.has("cut"),
}
"""What a store must have for a test that uses the fixture of this name."""


class RunningServices:
    """What runs for the whole session. `get` starts a service on its first call and returns what it yielded."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[Service, Any] = {}

    def get(self, start: Service) -> Any:
        if start not in self._running:
            self._running[start] = self._stack.enter_context(start())
        return self._running[start]


class FaultyStore(Struct, frozen=True):
    """A store that the test may kill, and the settings of its data. `with_deadline` gives them another deadline."""

    harness: StoreHarness
    settings: StoreSettings

    def with_deadline(self, seconds: float) -> StoreSettings:
        return replace(self.settings, deadline=seconds)


def parametrize(metafunc: pytest.Metafunc, entries: Mapping[str, StoreEntry]) -> None:
    """Give a test the stores that claim what it needs."""
    for fixture, claims in CLAIMS.items():
        if fixture in metafunc.fixturenames:
            chosen = [name for name, entry in entries.items() if claims(entry)]
            metafunc.parametrize(fixture, [entries[name] for name in chosen], ids=chosen, indirect=True)


def place_of(entry: StoreEntry, folder: Path, services: Any) -> StorePlace:
    """A place of one test. `services` starts what the store needs."""
    return StorePlace(folder, uuid4().hex[:12], services.get(entry.service) if entry.service is not None else None)


@asynccontextmanager
async def harness_of(entry: StoreEntry, folder: Path, services: Any) -> AsyncIterator[Harness]:
    async with entry.harness(place_of(entry, folder, services)) as harness:
        yield harness


@pytest.fixture
async def harness(request: pytest.FixtureRequest, tmp_path: Path, services: Any) -> AsyncIterator[Harness]:
    """Every store."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


@pytest.fixture
async def durable(request: pytest.FixtureRequest, tmp_path: Path, services: Any) -> AsyncIterator[Harness]:
    """Every store whose data outlives an opening."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


@pytest.fixture
async def shared(request: pytest.FixtureRequest, tmp_path: Path, services: Any) -> AsyncIterator[Harness]:
    """Every store that several processes may share."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


@pytest.fixture
async def flat(request: pytest.FixtureRequest, tmp_path: Path, services: Any) -> AsyncIterator[Harness]:
    """Every store to which a long session costs no more than a short one."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


@pytest.fixture
def machines(
    request: pytest.FixtureRequest, tmp_path: Path, services: Any, monkeypatch: pytest.MonkeyPatch
) -> StoreSettings:
    """The settings of every store that several machines may share; another process gets the environment too."""
    entry: StoreEntry = request.param
    place = place_of(entry, tmp_path, services)
    for name, value in entry.environment(place).items():
        monkeypatch.setenv(name, value)
    assert entry.settings is not None
    return entry.settings(place, "state")


def _faulty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultyStore]:
    entry: StoreEntry = request.param
    assert entry.faults is not None
    harness = entry.faults()
    try:
        harness.start()
        yield FaultyStore(harness, harness.settings(tmp_path, uuid4().hex[:12]))
    finally:
        harness.stop()


@pytest.fixture
def killable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultyStore]:
    """Every durable store that can be killed."""
    yield from _faulty(request, tmp_path)


@pytest.fixture
def freezable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultyStore]:
    """Every store that can be frozen."""
    yield from _faulty(request, tmp_path)


@pytest.fixture
def cuttable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FaultyStore]:
    """Every store whose connections can be cut."""
    yield from _faulty(request, tmp_path)


@pytest.fixture
async def storage(harness: Harness) -> AsyncIterator[Storage]:
    """State and log in one store."""
    storage = await harness.open()
    yield storage
    await storage.close()


@pytest.fixture
async def split_storage(harness: Harness) -> AsyncIterator[Storage]:
    """The log in another store, so that lines travel through the outbox."""
    storage = await harness.open_split()
    yield storage
    await storage.close()


@pytest.fixture(params=["one store", "log elsewhere"])
async def any_storage(request: pytest.FixtureRequest, harness: Harness) -> AsyncIterator[Storage]:
    """Both of the above."""
    storage = await (harness.open() if request.param == "one store" else harness.open_split())
    yield storage
    await storage.close()
