"""One thread with one connection. Whatever queued up while it was busy is done in one transaction.

Group commit: under load many jobs share one disk flush; an idle store pays no waiting time for it.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from backends.errors import StorageError, StoreUnavailable

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
BATCH = 500


class _Job:
    __slots__ = ("error", "future", "job", "loop", "result", "then")

    def __init__(self, job: Job, then: Job | None, loop: asyncio.AbstractEventLoop) -> None:
        self.job = job
        self.then = then
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: Exception | None = None

    def resolve(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class WriterThread:
    """Runs jobs one after the other; `begin` starts a batch."""

    def __init__(self, name: str, connection: sqlite3.Connection, begin: str, deadline: float) -> None:
        self._connection = connection
        self._begin = begin
        self._deadline = deadline
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[sqlite3.Connection], T], then: Job | None = None) -> T:
        """The job's result, once its batch is committed and `then` has run outside the transaction.

        Raises what the job raised, or `StoreUnavailable` when it is not known to be done within the deadline.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        call = _Job(job, then, asyncio.get_running_loop())
        self._queue.put(call)
        try:
            async with asyncio.timeout(self._deadline):
                result: T = await call.future
                return result
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self._deadline} s") from None

    def close(self) -> None:
        """Finish what is queued and close the connection; blocks until that is done."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        running = True
        while running:
            batch: list[_Job] = []
            call = self._queue.get()
            while call is not None:
                batch.append(call)
                if len(batch) >= BATCH or self._queue.empty():
                    break
                call = self._queue.get()
            running = call is not None
            if batch:
                self._run_batch(batch)
        self._connection.close()

    def _run_batch(self, batch: list[_Job]) -> None:
        try:
            self._connection.execute(self._begin)
            for call in batch:
                self._run_one(call)
            self._connection.execute("COMMIT")
            for then in {call.then for call in batch if call.then is not None and call.error is None}:
                then(self._connection)
        except Exception as error:
            self._roll_back()
            for call in batch:
                call.error = StoreUnavailable(str(error))
        for loop in {call.loop for call in batch}:
            mine = [call for call in batch if call.loop is loop]
            try:
                loop.call_soon_threadsafe(_resolve, mine)
            except RuntimeError:
                continue  # The loop that asked has ended; nobody waits for the answer.

    def _run_one(self, call: _Job) -> None:
        """One job, undone alone when it fails, so that its neighbours in the batch are not."""
        execute = self._connection.execute
        execute("SAVEPOINT job")
        try:
            call.result = call.job(self._connection)
        except sqlite3.OperationalError:
            raise  # The disk is full or locked: the whole batch is refused.
        except Exception as error:
            execute("ROLLBACK TO job")
            call.error = error if isinstance(error, StorageError) else StoreUnavailable(repr(error))
        execute("RELEASE job")

    def _roll_back(self) -> None:
        # A disk that is full may have undone the transaction already; one that fails here fails the next BEGIN too.
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _resolve(calls: list[_Job]) -> None:
    for call in calls:
        call.resolve()
