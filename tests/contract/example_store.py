"""An example of a store, as `docs/your-own-store.md` explains it: the memory store, saved to a file by every write.

Good for a demo that must outlive a restart. Each write costs as much as all that is stored, which breaks S15.
"""

import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from backends.errors import StoreUnavailable
from backends.memory.log import MemoryLog, MemorySettingsStore
from backends.memory.sessions import MemorySessions
from backends.records import (
    Appended,
    AuditEntry,
    Deletion,
    Draft,
    Erased,
    LogCount,
    LogEntry,
    NewSession,
    Session,
    SessionRef,
    Snapshot,
    Swept,
    Taking,
    Task,
    Versioned,
)


class SnapshotFile:
    """The file. A verb returns, or raises, only when what it did is on the disk (S11)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: object = None

    def __reduce__(self) -> tuple[type["SnapshotFile"], tuple[Path]]:
        return SnapshotFile, (self.path,)

    @contextmanager
    def saving(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.save()

    def save(self) -> None:
        fresh = self.path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                pickle.dump(self.parts, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise StoreUnavailable(str(error)) from None  # G1, G2: it may have landed, so the caller repeats it.


class SnapshotSessions(MemorySessions):
    """Sessions, saved by each verb that writes."""

    def __init__(self, file: SnapshotFile, log: "SnapshotLog | None") -> None:
        super().__init__(log)
        self._file = file

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        with self._file.saving():
            return await super().create(ref, new)

    async def claim(self, ref: SessionRef, owner: str, since: int, limit: int) -> Snapshot:
        with self._file.saving():
            return await super().claim(ref, owner, since, limit)

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        with self._file.saving():
            return await super().release(ref, epoch)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        with self._file.saving():
            return await super().append(ref, draft, epoch)

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        with self._file.saving():
            await super().set_context(ref, context, epoch)

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        with self._file.saving():
            return await super().swap_task(ref, task, expect, epoch, renews)

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        with self._file.saving():
            return await super().take(ref, account, name, silence, force)

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        with self._file.saving():
            return await super().hand_back(ref, account)

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        with self._file.saving():
            return await super().lease(ref, worker, seconds)

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        with self._file.saving():
            await super().unlease(ref, worker)

    async def heartbeat(self, worker: str, seconds: float) -> None:
        with self._file.saving():
            await super().heartbeat(worker, seconds)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        with self._file.saving():
            return await super().delete(ref, tombstone, bury_absent)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        with self._file.saving():
            return await super().sweep(idle_ttls, limit, keys_for)

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        with self._file.saving():
            await super().outbox_done(entries)

    async def deletion_done(self, deletion: Deletion) -> None:
        with self._file.saving():
            await super().deletion_done(deletion)


class SnapshotLog(MemoryLog):
    """The permanent log, saved by each verb that writes."""

    def __init__(self, file: SnapshotFile) -> None:
        super().__init__()
        self._file = file

    async def append(self, entries: Sequence[LogEntry]) -> None:
        with self._file.saving():
            await super().append(entries)

    async def delete_session(self, site_id: str, session_id: str, tombstone: float) -> int:
        with self._file.saving():
            return await super().delete_session(site_id, session_id, tombstone)

    async def delete_older(self, site_id: str, before: int, limit: int) -> LogCount:
        with self._file.saving():
            return await super().delete_older(site_id, before, limit)


class SnapshotSettingsStore(MemorySettingsStore):
    """The settings, saved by each verb that writes."""

    def __init__(self, file: SnapshotFile) -> None:
        super().__init__()
        self._file = file

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        with self._file.saving():
            return await super().put(name, value, expect)

    async def remove(self, name: str) -> bool:
        with self._file.saving():
            return await super().remove(name)

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        with self._file.saving():
            await super().audit(site_id, entry)


class SnapshotStorage:
    """The bundle. One opening at a time may work on the file."""

    def __init__(self, path: Path, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        parts: tuple[SnapshotFile, SnapshotSessions, SnapshotLog, SnapshotSettingsStore]
        if path.exists():
            parts = pickle.loads(path.read_bytes())
        else:
            file = SnapshotFile(path)
            log = SnapshotLog(file)
            parts = (file, SnapshotSessions(file, log if log_shares_store else None), log, SnapshotSettingsStore(file))
        self._file, self.sessions, self.log, self.settings = parts
        self._file.parts = parts

    async def ping(self) -> None:
        self._file.save()

    async def close(self) -> None:
        self._file.save()
