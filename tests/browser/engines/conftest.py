"""One browser of each engine for the whole run, started when its first test asks."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio

from tests.browser.engines.tab import EngineBrowser
from tests.services import absent
from tests.services.webdriver import ENGINES, missing


class RunningEngines:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, EngineBrowser] = {}

    def get(self, name: str) -> EngineBrowser:
        if name not in self._running:
            if packages := missing(name):
                absent(packages)
            self._running[name] = EngineBrowser(self._stack.enter_context(ENGINES[name]()))
        return self._running[name]


@pytest.fixture(scope="session")
def running_engines() -> Iterator[RunningEngines]:
    with ExitStack() as stack:
        yield RunningEngines(stack)


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.xdist_group(f"engine-{name}")) for name in ENGINES])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(engine: str, running_engines: RunningEngines) -> AsyncIterator[EngineBrowser]:
    running = running_engines.get(engine)
    yield running
    await running.close_tabs()
