"""The real parts the tests run against: each starts on a free port in a folder of its own and leaves nothing behind."""

import os
import socket

import pytest


def free_port() -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def absent(what: str) -> None:
    """Handle a missing service: skip on a developer's machine, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing; CI must have it")
    pytest.skip(f"{what} is missing")
