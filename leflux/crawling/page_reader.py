"""Reads pages in a process of its own: a page that takes long keeps nobody else waiting, and is given up."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

import leflux
from leflux.crawling.extract import Extract, Unreadable
from leflux.crawling.extract_worker import HEAD, Page, ReadPage, framed

EXTRACT_SECONDS = 10.0
"""Processor time for one page, after which its reader ends itself."""
LAST_RESORT = 120.0
"""Seconds by the clock, after which the reader is ended."""
GRACE = 1.0
"""Seconds in which a reader may end by itself."""
_PACKAGES = str(Path(leflux.__file__).resolve().parent.parent)
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


class PageReader:
    """One process for one crawl; started with the first page, and anew after a page that took too long."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> "AsyncIterator[PageReader]":
        reader = cls()
        try:
            yield reader
        finally:
            await reader._end()

    async def read(self, body: bytes, url: str, charset: str | None) -> Extract:
        """A page as read. Raises `Unreadable`."""
        async with self._turn:
            try:
                async with asyncio.timeout(LAST_RESORT):
                    answer = await self._ask(Page(body, url, charset, EXTRACT_SECONDS))
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                # Killing a process that has just ended by itself would take its exit code away.
                code = await self._end(GRACE)
                if code == -signal.SIGPROF or isinstance(error, TimeoutError):
                    raise Unreadable(f"takes longer than {EXTRACT_SECONDS:g} s to read") from None
                raise Unreadable(f"cannot be read: its reader has ended ({code})") from None
            except BaseException:
                # What is on its way would be taken for the answer to the next page.
                await self._end()
                raise
        if answer.extract is None:
            raise Unreadable(answer.problem)
        return answer.extract

    async def _ask(self, page: Page) -> ReadPage:
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(framed(page))
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(HEAD), "big")
        return msgspec.msgpack.decode(await process.stdout.readexactly(size), type=ReadPage)

    async def _start(self) -> asyncio.subprocess.Process:
        # The reader needs no secret of the server's environment.
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment["PYTHONPATH"] = _PACKAGES
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "leflux.crawling.extract_worker"),
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return self._process

    async def _end(self, grace: float = 0.0) -> int | None:
        """End the process; returns its exit code. It has `grace` seconds to end by itself."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(grace):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            # Also when this task is cancelled meanwhile: nothing may be left behind.
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await _reaped(process)
        return process.returncode


async def _reaped(process: asyncio.subprocess.Process) -> None:
    """Wait until a killed process is gone, and only then pass a cancellation on."""
    waiting = asyncio.ensure_future(process.wait())
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
