"""The suite's fixtures over the registry of shipped stores; a test's id ends with its store's name."""

import pytest

from leflux.contract.fixtures import (
    any_storage,
    cuttable,
    durable,
    flat,
    freezable,
    harness,
    killable,
    machines,
    parametrize,
    shared,
    split_storage,
    storage,
)
from tests.contract.backends import BACKENDS

__all__ = [
    "any_storage",
    "cuttable",
    "durable",
    "flat",
    "freezable",
    "harness",
    "killable",
    "machines",
    "shared",
    "split_storage",
    "storage",
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, BACKENDS)
