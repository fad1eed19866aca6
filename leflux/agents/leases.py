"""This process's right to answer a turn: a short lease, then a long one with a heartbeat of the process (S19, S28)."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

from backends.base.sessions import Leases
from backends.errors import StorageError, StoreUnavailable
from backends.records import Session, SessionRef

FIRST_LEASE = 2.5
LONG_TURN = 1.0
"""A turn that takes longer is renewed and covered by the heartbeat, so its lease can be long."""
LEASE = 10.0
RENEW_EVERY = 4.0
BEAT = 0.5
ALIVE = 1.5


class TurnLeases:
    """The leases of one process."""

    def __init__(self, store: Leases) -> None:
        self._store = store
        self._worker = str(uuid4())
        self._heartbeat = WorkerHeartbeat(store, self._worker)

    async def take(self, ref: SessionRef) -> Session | None:
        """Lease the open turn; None when there is none or another process has it."""
        session = await self._store.lease(ref, self._worker, FIRST_LEASE)
        if session is not None and session.attempts == 0:
            # Carried over from the question before: lease it anew, so that each question's attempts are counted.
            await self._store.unlease(ref, self._worker)
            session = await self._store.lease(ref, self._worker, FIRST_LEASE)
        return session

    async def keep(self, ref: SessionRef, work: "asyncio.Task[Any] | None") -> None:
        """Renew the lease until cancelled. Cancels `work` when the turn is no longer this process's."""
        await asyncio.sleep(LONG_TURN)
        self._heartbeat.join()
        try:
            while await self._renew(ref):
                await asyncio.sleep(RENEW_EVERY)
        finally:
            self._heartbeat.leave()
        if work is not None:
            work.cancel()

    async def _renew(self, ref: SessionRef) -> bool:
        try:
            return await self._store.lease(ref, self._worker, LEASE) is not None
        except StoreUnavailable:
            return True
        except StorageError:
            return False

    async def give_back(self, ref: SessionRef) -> None:
        await self._store.unlease(ref, self._worker)

    async def stop(self) -> None:
        """Take this process off the list of workers. Every turn must have ended."""
        await self._heartbeat.stop()


class WorkerHeartbeat:
    """Beats every `BEAT` seconds while at least one turn is being answered that takes long.

    Short turns need no heartbeat: their leases lapse soon enough.
    """

    def __init__(self, store: Leases, worker: str) -> None:
        self._store = store
        self._worker = worker
        self._turns = 0
        self._task: asyncio.Task[None] | None = None

    def join(self) -> None:
        """One more turn takes long."""
        self._turns += 1
        if self._task is None:
            self._task = asyncio.create_task(self._beat(), name="heartbeat")

    def leave(self) -> None:
        """A turn that took long has ended."""
        self._turns -= 1

    async def stop(self) -> None:
        """Take this process off the list of workers. Every turn must have left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._sign_off()

    async def _beat(self) -> None:
        try:
            while self._turns:
                with suppress(StorageError):
                    await self._store.heartbeat(self._worker, ALIVE)
                await asyncio.sleep(BEAT)
        finally:
            self._task = None
        await self._sign_off()

    async def _sign_off(self) -> None:
        with suppress(StorageError):
            await self._store.heartbeat(self._worker, 0.0)
