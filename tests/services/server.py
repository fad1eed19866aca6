"""A real server: `python run.py --config FILE` as a process that can be killed, stopped and started again."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from tests.services.wait import until

ROOT = Path(__file__).resolve().parent.parent.parent
STOP_SECONDS = 90.0


class ServerProcess:
    """Keeps its port and its data over restarts. An asynchronous context manager that starts and stops it."""

    def __init__(self, config: Path, port: int, environment: Mapping[str, str] | None = None) -> None:
        self.config = config
        self.environment = {**os.environ, **(environment or {})}
        self.root = ROOT
        self.port = port
        self.path = ""
        """Its `server.base_path`."""
        self.log = config.with_suffix(".log")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> "ServerProcess":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Returns when the server and its store answer; raises `RuntimeError` with the log's end when it exits."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "run.py", "--config", str(self.config)),
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        async with aiohttp.ClientSession() as http:
            await until(lambda: self._is_ready(http), f"the server is ready; its log is {self.log}")

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(f"the server exited with {self._process.returncode}:\n{self.log.read_text()[-2000:]}")
        try:
            async with http.get(f"{self.base}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def kill(self) -> None:
        """SIGKILL, as by a crash or the out-of-memory killer: nothing is flushed or closed cleanly."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def stopped(self) -> int:
        """Wait for the process to end by itself; its exit code."""
        assert self._process is not None
        async with asyncio.timeout(STOP_SECONDS):
            return await self._process.wait()
