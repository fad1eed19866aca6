"""The fixtures of the contract suite, parametrised over the registry; a test's id ends with its backend's name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from backends.base import Storage
from tests.conftest import Services
from tests.contract.backends import BACKENDS, Harness, Place

DURABLE = [name for name, backend in BACKENDS.items() if backend.durable]
SHARED = [name for name, backend in BACKENDS.items() if backend.shared]


@asynccontextmanager
async def harness_of(name: str, tmp_path: Path, services: Services) -> AsyncIterator[Harness]:
    backend = BACKENDS[name]
    service = services.get(backend.service) if backend.service is not None else None
    async with backend.harness(Place(tmp_path, uuid4().hex[:12], service)) as harness:
        yield harness


@pytest.fixture(params=list(BACKENDS))
async def harness(request: pytest.FixtureRequest, tmp_path: Path, services: Services) -> AsyncIterator[Harness]:
    """Every backend."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


@pytest.fixture(params=DURABLE)
async def durable(request: pytest.FixtureRequest, tmp_path: Path, services: Services) -> AsyncIterator[Harness]:
    """Every backend whose data outlives an opening."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


@pytest.fixture(params=SHARED)
async def shared(request: pytest.FixtureRequest, tmp_path: Path, services: Services) -> AsyncIterator[Harness]:
    """Every backend that several processes may share."""
    async with harness_of(request.param, tmp_path, services) as harness:
        yield harness


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
