"""Vouches for running tasks while their page is connected here.

A running task's deadline is never further away than the hold time plus one beat, so that after a crash of this
process the store itself knows when to give the task up, and any process can tell.
"""

import asyncio
from collections.abc import Callable

import structlog

from backends.errors import NotOwner, SessionDeleted, SessionNotFound, StorageError, VersionConflict
from backends.records import SessionRef
from leflux.tasks.book import Book
from leflux.tasks.ledger import Refused

log = structlog.get_logger(__name__)


class Watch:
    """`epoch(session_id)`: of the session's socket in this process, None when it is not here. `beat`: seconds."""

    def __init__(self, epoch: Callable[[str], int | None], beat: float) -> None:
        self._epoch = epoch
        self._beat = beat
        self._refs: dict[str, SessionRef] = {}
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._refs)

    def vouches(self, session_id: str) -> bool:
        return session_id in self._refs

    def add(self, ref: SessionRef) -> None:
        """Keep the task's time while its socket is here."""
        if self._epoch(ref.session_id) is not None:
            self._refs[ref.session_id] = ref

    def start(self, book: Book) -> None:
        self._task = asyncio.create_task(self._forever(book), name="task watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _forever(self, book: Book) -> None:
        while True:
            await asyncio.sleep(self._beat)
            for ref in list(self._refs.values()):
                try:
                    await self.vouch(book, ref)
                except StorageError as error:
                    log.warning("store does not answer", job="task watch", error=str(error))
                except Exception:
                    log.exception("watching a task failed", session=ref.session_id[:8])

    async def vouch(self, book: Book, ref: SessionRef) -> None:
        """Renew one task's deadline; a task that has ended, or whose socket has left, is forgotten."""
        epoch = self._epoch(ref.session_id)
        try:
            entry = await book.live(ref) if epoch is not None else None
            if entry is not None and entry.state.status == "running":
                await book.put(ref, entry.state, entry.record.version, epoch)
                return
        except VersionConflict:
            return
        except (Refused, SessionNotFound, SessionDeleted, NotOwner):
            pass
        self._refs.pop(ref.session_id, None)
