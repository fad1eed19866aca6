"""State in one store, the permanent log in another."""

from backends.base import Storage


class SplitStorage:
    """Two bundles as one: sessions and settings of the first, the log of the second."""

    log_shares_store = False

    def __init__(self, state: Storage, log: Storage) -> None:
        self._state = state
        self._log = log
        self.sessions = state.sessions
        self.settings = state.settings
        self.log = log.log

    async def ping(self) -> None:
        await self._state.ping()

    async def close(self) -> None:
        try:
            await self._state.close()
        finally:
            await self._log.close()
