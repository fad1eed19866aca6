"""One server for each store, which every test of this folder shares."""

from collections.abc import Iterator

import pytest
from _pytest.nodeid import NodeId

from tests.security.target import Target, target

STORES = ("sqlite", "redis")
STORED = ("joins", "restores", "contexts", "guesses", "starts", "large messages")
"""The floods that reach the store. What another costs is the same on every store."""


@pytest.fixture(scope="session", params=STORES)
def attacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(request.param, tmp_path_factory.mktemp(f"security-{request.param}")) as running:
        yield running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests of one store run in one worker, and share its server."""
    for item in list(items):
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        store = parameters.get("attacked")
        if store == "redis" and parameters.get("kind", "") not in ("", *STORED):
            items.remove(item)
        elif store is not None and getattr(config.option, "loadgroup", False):
            # The name of its group, as pytest-xdist reads it. xdist 3.8 sets `_nodeid`, which pytest 9.2 does not read.
            item._id = NodeId.parse(f"{item.nodeid}@security-{store}")
