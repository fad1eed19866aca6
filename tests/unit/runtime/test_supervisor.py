"""The supervisor restarts a worker that died, and ends with one that can never work."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from leflux.runtime.supervisor import Supervisor, reserve, worker_command

DIES_ONCE = (
    "import pathlib, sys; f = pathlib.Path(sys.argv[1]); known = f.exists(); f.touch(); sys.exit(3 if known else 1)"
)


async def test_a_worker_that_died_is_started_again_until_it_can_never_work(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    assert await Supervisor([sys.executable, "-c", DIES_ONCE, str(mark)], 1).run() == 3
    assert mark.exists()


async def test_one_worker_that_can_never_work_ends_the_others(tmp_path: Path) -> None:
    first = tmp_path / "first"
    script = (
        "import os, sys, time\ntry: os.mkdir(sys.argv[1])\nexcept FileExistsError: sys.stdin.read()\nelse: sys.exit(2)"
    )
    async with asyncio.timeout(60):
        assert await Supervisor([sys.executable, "-c", script, str(first)], 3).run() == 2


def test_a_port_is_reserved_only_where_nobody_listens() -> None:
    holder, port = reserve("127.0.0.1", 0)
    with holder:
        assert port == holder.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        reserve("127.0.0.1", other.getsockname()[1])


def test_a_worker_gets_the_configuration_and_the_port() -> None:
    assert worker_command("a.yaml", 81)[2:] == ["--config", "a.yaml", "serve", "--worker", "--port", "81"]
