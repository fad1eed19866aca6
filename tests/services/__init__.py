"""The real parts the tests run against: each starts on a free port in a folder of its own and leaves nothing behind."""

import os
import secrets
import socket

import pytest


def free_port() -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def lasting_port() -> int:
    """One that stays free while its server is down: below those that the system hands out by itself."""
    while True:
        # Not from `random`, which a test may have seeded.
        port = secrets.randbelow(12_000) + 20_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def absent(what: str) -> None:
    """Handle a missing service: skip on a developer's machine, fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing; CI must have it")
    pytest.skip(f"{what} is missing")
