"""State in one store, the permanent log in another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from backends.base import MessageLog, Storage
from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.records import LogEntry

Open = Callable[[], Awaitable[Storage]]


class SplitStorage:
    """Two bundles as one: sessions and settings of the first, the log of the second."""

    log_shares_store = False

    def __init__(self, state: Storage, log: "Storage | LateLog") -> None:
        self._state = state
        self._log = log
        self.sessions = state.sessions
        self.settings = state.settings
        self.log = cast(MessageLog, log) if isinstance(log, LateLog) else log.log

    async def ping(self) -> None:
        """Asks the state only: a log that is away delays its lines and stops nothing."""
        await self._state.ping()

    async def close(self) -> None:
        try:
            await self._state.close()
        finally:
            await self._log.close()


class LateLog:
    """A `MessageLog` that did not answer at the start. Each call tries to open it, and raises `StoreUnavailable`
    for as long as that fails.
    """

    def __init__(self, open_: Open) -> None:
        self._open = open_
        self._bundle: Storage | None = None
        self._opening: asyncio.Task[Storage] | None = None

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any) -> Any:
            return await getattr(await self._opened(), verb)(*arguments)

        return call

    async def export(self, site_id: str, start: int | None, end: int | None) -> AsyncIterator[LogEntry]:
        log = await self._opened()
        async for entry in log.export(site_id, start, end):
            yield entry

    async def _opened(self) -> MessageLog:
        if self._bundle is None:
            # Callers that come meanwhile share one attempt.
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._try())
            self._bundle = await asyncio.shield(self._opening)
        return self._bundle.log

    async def _try(self) -> Storage:
        try:
            return await self._open()
        except StoreMisconfigured as error:
            raise StoreUnavailable(f"the message log cannot be opened: {error}") from error

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            [opened] = await asyncio.gather(self._opening, return_exceptions=True)
            if not isinstance(opened, BaseException):
                await opened.close()
