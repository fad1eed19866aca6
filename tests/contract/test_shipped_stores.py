"""Every test of `leflux.contract`, on every shipped store and on the example."""

from importlib import import_module
from pkgutil import iter_modules

import leflux.contract

MODULES = [found.name for found in iter_modules(leflux.contract.__path__) if found.name.startswith("test_")]
TESTS = [
    (name, test)
    for module in MODULES
    for name, test in vars(import_module(f"leflux.contract.{module}")).items()
    if name.startswith("test_")
]
globals().update(TESTS)


def test_no_test_of_the_suite_hides_another_one() -> None:
    assert len({name for name, _ in TESTS}) == len(TESTS) > 0
