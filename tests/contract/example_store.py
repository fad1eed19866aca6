"""A store of one's own, as `docs/your-own-store.md` explains it: the memory store, saved to a file by every verb.

Good for a demo that must outlive a restart. Each write costs as much as all that is stored, which breaks S15.
"""

import os
import pickle
from collections.abc import Callable
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, cast

from backends.base import MessageLog, SessionStore, SettingsStore
from backends.errors import StoreUnavailable
from backends.memory import MemoryStorage


class _Saved:
    """One of the three stores; a verb returns, or raises, only when what it did is on the disk (S11)."""

    def __init__(self, store: object, save: Callable[[], None]) -> None:
        self._store = store
        self._save = save

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._store, name)
        if not iscoroutinefunction(verb):
            return verb  # `export` only reads.

        async def saved(*arguments: Any, **options: Any) -> Any:
            try:
                return await verb(*arguments, **options)
            finally:
                self._save()

        return saved


class SnapshotStorage:
    """The bundle. One opening at a time may work on the file."""

    def __init__(self, path: Path, log_shares_store: bool) -> None:
        self._path = path
        self._memory: MemoryStorage = (
            pickle.loads(path.read_bytes()) if path.exists() else MemoryStorage(log_shares_store)
        )
        self.log_shares_store = log_shares_store
        self.sessions = cast("SessionStore", _Saved(self._memory.sessions, self._save))
        self.log = cast("MessageLog", _Saved(self._memory.log, self._save))
        self.settings = cast("SettingsStore", _Saved(self._memory.settings, self._save))

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                pickle.dump(self._memory, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            raise StoreUnavailable(str(error)) from None  # G1, G2: it may have landed, so the caller repeats it.

    async def ping(self) -> None:
        self._save()

    async def close(self) -> None:
        self._save()
