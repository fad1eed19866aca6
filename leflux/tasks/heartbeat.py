"""Renews the deadline of running tasks while their page is connected here.

A running task's deadline is at most the hold time plus one beat away. So after a crash of this process, the store
knows when the task is to be given up, and any process can end it.
"""

import asyncio
from collections.abc import Callable

import structlog

from backends.errors import NotOwner, SessionDeleted, SessionNotFound, StorageError, VersionConflict
from backends.records import SessionRef
from leflux.tasks.ledger import ReportRejected
from leflux.tasks.repository import TaskRepository

log = structlog.get_logger(__name__)


class Heartbeat:
    """`epoch(session_id)`: of the session's socket in this process, None when it is not here. `beat`: seconds."""

    def __init__(self, epoch: Callable[[str], int | None], beat: float) -> None:
        self._epoch = epoch
        self._beat = beat
        self._refs: dict[str, SessionRef] = {}
        self._task: asyncio.Task[None] | None = None

    def vouches(self, session_id: str) -> bool:
        return session_id in self._refs

    def add(self, ref: SessionRef) -> None:
        """Renew the task's deadline while its socket is here."""
        if self._epoch(ref.session_id) is not None:
            self._refs[ref.session_id] = ref

    def start(self, repository: TaskRepository) -> None:
        self._task = asyncio.create_task(self._forever(repository), name="task heartbeat")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _forever(self, repository: TaskRepository) -> None:
        while True:
            await asyncio.sleep(self._beat)
            for ref in list(self._refs.values()):
                try:
                    await self.vouch(repository, ref)
                except StorageError as error:
                    log.warning("store does not answer", job="task heartbeat", error=str(error))
                except Exception:
                    log.exception("the heartbeat of a task failed", session=ref.session_id[:8])

    async def vouch(self, repository: TaskRepository, ref: SessionRef) -> None:
        """Renew one task's deadline. A task that has ended, or whose socket has left, is removed."""
        epoch = self._epoch(ref.session_id)
        try:
            entry = await repository.live(ref) if epoch is not None else None
            if entry is not None and entry.state.status == "running":
                await repository.put(ref, entry.state, entry.record.version, epoch)
                return
        except VersionConflict:
            return
        except (ReportRejected, SessionNotFound, SessionDeleted, NotOwner):
            pass
        self._refs.pop(ref.session_id, None)
