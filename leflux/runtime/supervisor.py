"""Several serving processes behind one port: starts them, restarts a dead one, and stops all together."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence

import structlog

log = structlog.get_logger(__name__)

GRACE = 15.0
QUICK = 2.0
MAX_PAUSE = 10.0
FATAL = frozenset({2, 3})
"""Exit codes for which a restart is useless: a wrong configuration, a store that can never work."""


class Supervisor:
    """Runs `count` copies of `command`. The standard input of each is a pipe from here: when it closes because the
    supervisor was killed, the worker drains and exits.
    """

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._command = list(command)
        self._count = count
        self._workers: set[asyncio.subprocess.Process] = set()
        self._stopping = asyncio.Event()
        self._exit_code = 0

    async def run(self) -> int:
        """Until SIGTERM or SIGINT, or until a worker says that it can never work; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        keepers = [asyncio.create_task(self._keep(index)) for index in range(self._count)]
        await self._stopping.wait()
        await self._stop_workers()
        await asyncio.gather(*keepers)
        return self._exit_code

    async def _keep(self, index: int) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            started = time.monotonic()
            worker = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, start_new_session=True
            )
            self._workers.add(worker)
            if self._stopping.is_set():
                _signal(worker, signal.SIGTERM)
            code = await worker.wait()
            self._workers.discard(worker)
            if self._stopping.is_set():
                return
            if code in FATAL:
                self._exit_code = code
                self._stopping.set()
                return
            pause = 0.2 if time.monotonic() - started > QUICK else min(pause * 2, MAX_PAUSE)
            log.error("worker died; starting another", worker=index, exit_code=code, in_seconds=pause)
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _stop_workers(self) -> None:
        workers = list(self._workers)
        for worker in workers:
            _signal(worker, signal.SIGTERM)
        if workers:
            _, late = await asyncio.wait([asyncio.create_task(worker.wait()) for worker in workers], timeout=GRACE)
            if late:
                for worker in workers:
                    _signal(worker, signal.SIGKILL)


def _signal(worker: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if worker.returncode is None:
        try:
            worker.send_signal(number)
        except ProcessLookupError:
            return


def reserve(host: str, port: int) -> tuple[socket.socket, int]:
    """Reserve a port that the workers will share. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEPORT: the probe must fail where another server shares its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    holder = socket.socket(family, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        holder.bind((host, port))
    except OSError:
        holder.close()
        raise
    return holder, holder.getsockname()[1]


def worker_command(config: str, port: int) -> list[str]:
    """The command line of one worker."""
    script = os.path.abspath(sys.argv[0])
    return [sys.executable, script, "--config", config, "serve", "--worker", "--port", str(port)]
