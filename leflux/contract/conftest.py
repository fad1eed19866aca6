"""The stores of `--store`, for the modules beside this file."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from importlib import import_module

import pytest

from leflux.contract.fixtures import (
    RunningServices,
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
from leflux.contract.harness import StoreEntry, StoreHarness, entry_of

__all__ = [
    "any_storage",
    "cuttable",
    "durable",
    "flat",
    "freezable",
    "harness",
    "killable",
    "machines",
    "services",
    "shared",
    "split_storage",
    "storage",
]


@cache
def _entry(reference: str) -> StoreEntry:
    module, _, name = reference.partition(":")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"--store {reference}: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, StoreHarness)):
        raise pytest.UsageError(f"--store {reference}: expected a class that inherits from StoreHarness")
    return entry_of(kind)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    references: list[str] = metafunc.config.getoption("--store")
    if not references:
        raise pytest.UsageError("leflux.contract needs a store: --store my_package.testing:MyHarness")
    parametrize(metafunc, {reference.rpartition(":")[2]: _entry(reference) for reference in references})


@pytest.fixture(scope="session")
def services() -> Iterator[RunningServices]:
    with ExitStack() as stack:
        yield RunningServices(stack)
