"""The session store against its model: short and repeatable in every run, long and random under `soak`."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import StoreMachine

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


MACHINES = [pytest.param(MemoryMachine, id="memory"), pytest.param(SqliteMachine, id="sqlite")]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_store_does_what_the_model_does(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=SHORT)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", MACHINES)
def test_the_store_does_what_the_model_does_for_long(machine: type[StoreMachine]) -> None:
    run_state_machine_as_test(machine, settings=SOAK)
