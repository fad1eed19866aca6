"""Shared by every suite: services that are started once, when the first test asks, and stopped at the end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest


class Services:
    """What runs for the whole session. `get` starts a service on its first call and returns what it yielded."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[Callable[[], AbstractContextManager[Any]], Any] = {}

    def get(self, start: Callable[[], AbstractContextManager[Any]]) -> Any:
        if start not in self._running:
            self._running[start] = self._stack.enter_context(start())
        return self._running[start]


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    with ExitStack() as stack:
        yield Services(stack)
