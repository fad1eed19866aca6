"""Whether the store takes writes. Many who ask at once cost one write."""

import asyncio

from backends.base import Storage
from backends.errors import StorageError

READY_WITHIN = 5.0


class Readiness:
    """Asks the store of the conversations."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._asking: asyncio.Task[str | None] | None = None

    async def check(self) -> str | None:
        """None when the store takes writes, else the reason."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="readiness")
        return await asyncio.shield(self._asking)

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._storage.ping()
        except (StorageError, TimeoutError) as error:
            return type(error).__name__
        return None
