"""Everything in this process: the bundle of the parts. They are lost when the process ends."""

from backends.memory import MemorySettings
from backends.memory.log import MemoryLog, MemorySettingsStore
from backends.memory.sessions import MemorySessions


async def open_store(_options: MemorySettings, _deadline: float, log_shares_store: bool) -> "MemoryStorage":
    """A new, empty storage."""
    return MemoryStorage(log_shares_store)


class MemoryStorage:
    """The bundle."""

    def __init__(self, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        self.log = MemoryLog()
        self.settings = MemorySettingsStore()
        self.sessions = MemorySessions(self.log if log_shares_store else None)

    async def ping(self) -> None:
        return None

    async def close(self) -> None:
        return None
