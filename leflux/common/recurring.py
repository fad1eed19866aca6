"""Recurring work in the background, which may also be started at once."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from backends.errors import StorageError

log = structlog.get_logger(__name__)


class Recurring:
    """Runs `work` every `interval` seconds after `start`, and after each `hurry`. Exceptions are logged under `name`;
    the next run is as usual.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], interval: float) -> None:
        self._name = name
        self._work = work
        self._interval = interval
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._forever(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hurry(self) -> None:
        """Run the work now."""
        self._hurry.set()

    async def _forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._interval):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                await self._work()
            except StorageError as error:
                log.warning("store does not answer", job=self._name, error=str(error))
            except Exception:
                log.exception("job failed", job=self._name)
