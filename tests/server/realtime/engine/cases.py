"""A protocol suite: a module whose tests are its cases, and the exact set of those that LeFlux answers otherwise."""

from collections.abc import Mapping
from types import ModuleType


def check_suite(module: ModuleType, count: int, deviations: Mapping[str, str]) -> None:
    """The module holds `count` cases, and every deviation names one of them and has a reason."""
    cases = {name.removeprefix("test_") for name in vars(module) if name.startswith("test_")} - {"suite"}
    assert len(cases) == count
    assert set(deviations) <= cases
    assert all(deviations.values())
