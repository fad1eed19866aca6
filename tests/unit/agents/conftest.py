"""The storage of the tests of answering."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from backends import open_storage
from backends.base import Storage
from tests.services.config import embedded
from tests.unit.agents.kit import PATIENT


@pytest.fixture(params=["memory", "sqlite"])
async def storage(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Storage]:
    settings = replace(embedded(request.param, tmp_path / "answering.db"), deadline=PATIENT)
    storage = await open_storage(settings)
    yield storage
    await storage.close()
