"""The pytest plugin: `--store module:Harness`, once for each store that the suite runs on."""

import pytest

pytest.register_assert_rewrite("leflux.contract.kit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--store",
        action="append",
        default=[],
        metavar="MODULE:HARNESS",
        help="run leflux.contract on this store, whose harness inherits from leflux.contract.harness.StoreHarness",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: the long form of a test")
    if config.getoption("--store"):
        # The tests are coroutines without a mark, whatever the other tests of the author are.
        config.option.asyncio_mode = "auto"
