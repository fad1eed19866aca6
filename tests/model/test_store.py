"""The session store against its model: short and repeatable in every run, long and random under `soak`."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from backends import StoreSettings
from backends.redis import RedisSettings
from tests.conftest import Services
from tests.model.machine import StoreMachine
from tests.services.redis import redis

_COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
# A failure here is printed as it was found; the long form shrinks it.
SHORT = settings(max_examples=40, stateful_step_count=50, derandomize=True, phases=[Phase.generate], **_COMMON)
SOAK = settings(max_examples=1500, stateful_step_count=80, **_COMMON)


class MemoryMachine(StoreMachine):
    backend = "memory"


class SqliteMachine(StoreMachine):
    backend = "sqlite"


class RedisMachine(StoreMachine):
    """Each run has keys of its own in one server."""

    backend = "redis"
    url = ""

    def settings(self) -> StoreSettings:
        return StoreSettings(backend="redis", options=RedisSettings(self.url, f"{uuid4().hex}:"), deadline=30.0)


MACHINES = [
    pytest.param(MemoryMachine, id="memory"),
    pytest.param(SqliteMachine, id="sqlite"),
    pytest.param(RedisMachine, id="redis"),
]


@pytest.fixture
def machine(request: pytest.FixtureRequest, services: Services) -> type[StoreMachine]:
    chosen: type[StoreMachine] = request.param
    if issubclass(chosen, RedisMachine):
        chosen.url = services.get(redis).url
    return chosen


@pytest.mark.parametrize("machine", MACHINES, indirect=True)
def test_the_store_does_what_the_model_does(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=SHORT)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", MACHINES, indirect=True)
def test_the_store_does_what_the_model_does_for_long(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=SOAK)
