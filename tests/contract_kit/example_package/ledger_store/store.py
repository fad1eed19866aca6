"""The memory store, saved to a file by every verb that writes. The file must be its owner's: it is read by `pickle`."""

import os
import pickle
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.memory.log import MemoryLog, MemorySettingsStore
from backends.memory.sessions import MemorySessions

Verb = Callable[..., Awaitable[Any]]


class Ledger:
    """The file. A verb returns, or raises, only when what it did is on the disk (S11)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: object = None

    def __reduce__(self) -> tuple[type["Ledger"], tuple[Path]]:
        return Ledger, (self.path,)

    def save(self) -> None:
        fresh = self.path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                pickle.dump(self.parts, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise StoreUnavailable(str(error)) from None


def saving(kind: type[Any], *verbs: str) -> None:
    """Let these verbs of a class save its `ledger`."""

    def saved(verb: Verb) -> Verb:
        @wraps(verb)
        async def call(self: Any, *arguments: Any, **named: Any) -> Any:
            try:
                return await verb(self, *arguments, **named)
            finally:
                self.ledger.save()

        return call

    for name in verbs:
        setattr(kind, name, saved(getattr(kind, name)))


class LedgerSessions(MemorySessions):
    def __init__(self, ledger: Ledger, log: MemoryLog | None) -> None:
        super().__init__(log)
        self.ledger = ledger


class LedgerLog(MemoryLog):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger


class LedgerSettingsStore(MemorySettingsStore):
    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger


saving(LedgerSessions, "create", "claim", "release", "append", "set_context", "swap_task", "lease", "unlease")
saving(LedgerSessions, "heartbeat", "delete", "sweep", "outbox_done", "deletion_done")
saving(LedgerLog, "append", "delete_session", "delete_older")
saving(LedgerSettingsStore, "put", "remove", "audit")


class LedgerStorage:
    """The bundle."""

    def __init__(self, path: Path, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        if path.exists():
            parts = pickle.loads(path.read_bytes())
        else:
            ledger = Ledger(path)
            log = LedgerLog(ledger)
            sessions = LedgerSessions(ledger, log if log_shares_store else None)
            parts = (ledger, sessions, log, LedgerSettingsStore(ledger))
        self._ledger, self.sessions, self.log, self.settings = parts
        self._ledger.parts = parts

    async def ping(self) -> None:
        self._ledger.save()

    async def close(self) -> None:
        self._ledger.save()


def open_store(path: str, log_shares_store: bool) -> LedgerStorage:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreMisconfigured(f"storage.ledger.path: {error}") from None
    return LedgerStorage(Path(path), log_shares_store)
