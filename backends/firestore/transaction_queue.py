"""Atomic steps on Firestore: read, decide, commit if nothing that was read has changed, else start again.

A commit is one call that writes all or nothing, conditional on the version of each document that was read. A
Firestore transaction does the same in three or four calls instead of two, with locks that outlive a lost client, and
without a time-out for each call.

Steps of one document queue in this process and share commits, so that many callers do not cause contention.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import uuid4

from backends.errors import StorageError, StoreUnavailable
from backends.firestore.calls import ATTEMPTS, CallRefused, Contended, TemporaryFailure, Until, pause
from backends.firestore.rpc import MAX_OPERATIONS, Reading, ReadVersion, Rpc

T = TypeVar("T")
Data = dict[str, Any]
MAX_BYTES = 4_000_000
TOKEN = "commit"  # noqa: S105 - the name of a field


class Unit:
    """Documents as a step sees and changes them. `now` is the server's time (ms) of the read."""

    def __init__(self, reading: Reading) -> None:
        self.seen: dict[str, ReadVersion] = reading.documents
        self.now = reading.now
        self.pending: dict[str, Data | None] = {}

    def get(self, path: str) -> Data | None:
        """A document that the step named among its reads."""
        return self.pending[path] if path in self.pending else self.seen[path].data

    def put(self, path: str, data: Data) -> None:
        """Store a document. One that was read must be unchanged; any other is overwritten."""
        self.pending[path] = data

    def drop(self, path: str) -> None:
        """Delete a document, on the same condition."""
        self.pending[path] = None


Step = Callable[[Unit], T]


class _QueuedStep:
    __slots__ = ("future", "operations", "reads", "size", "step", "until")

    def __init__(self, reads: Iterable[str], step: Step[Any], until: Until, operations: int, size: int) -> None:
        self.reads = tuple(reads)
        self.step = step
        self.until = until
        self.operations = operations
        self.size = size
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


_Outcomes = list[tuple[_QueuedStep, Any, Exception | None]]


class TransactionQueues:
    """One queue for each document that is being changed; a queue lives as long as it has work."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._queues: dict[str, deque[_QueuedStep]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(
        self,
        guard: str,
        step: Step[T],
        reads: Iterable[str] = (),
        until: Until | None = None,
        operations: int = 4,
        size: int = 0,
    ) -> T:
        """Run a step on the document `guard` (which every change rewrites) and those of `reads`.

        The step runs again when the documents changed meanwhile, so it must do nothing but read and change the unit.
        `operations` and `size` (bytes) bound what it writes. Raises what the step raised, or `StoreUnavailable`.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        call = _QueuedStep((guard, *reads), step, until or self._rpc.until(), operations, size)
        self._enqueue(guard, call)
        try:
            async with asyncio.timeout_at(call.until.at):
                result: T = await call.future
                return result
        except TimeoutError:
            raise StoreUnavailable("no answer within the deadline") from None

    def _enqueue(self, guard: str, call: _QueuedStep) -> None:
        queue = self._queues.get(guard)
        if queue is None:
            queue = self._queues[guard] = deque()
            worker = asyncio.get_running_loop().create_task(self._work(guard, queue))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        queue.append(call)

    async def close(self) -> None:
        """Refuse new steps and wait for those that are queued; their deadlines bound it."""
        self._closed = True
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def _work(self, guard: str, queue: deque[_QueuedStep]) -> None:
        batch: list[_QueuedStep] = []
        try:
            while queue:
                batch = _take(queue)
                await self._settle(guard, batch)
        finally:
            del self._queues[guard]
            _fail([*batch, *queue], StoreUnavailable("the store was stopped"))

    async def _settle(self, guard: str, batch: list[_QueuedStep]) -> None:
        until = max((call.until for call in batch), key=lambda moment: moment.at)
        try:
            async with asyncio.timeout_at(until.at):
                _resolve(await self._attempts(guard, batch, until))
        except TimeoutError:
            _fail(batch, StoreUnavailable("no answer within the deadline"))
        except CallRefused as error:
            await self._settle_each(guard, batch, error)
        except StorageError as error:
            _fail(batch, error)
        except Exception as error:
            _fail(batch, StoreUnavailable(repr(error)))

    async def _settle_each(self, guard: str, batch: list[_QueuedStep], error: CallRefused) -> None:
        """Run each call alone, so that a call that Firestore refuses does not fail the others of its batch."""
        if len(batch) == 1:
            _fail(batch, error)
        for call in batch:
            if not call.future.done():
                await self._settle(guard, [call])

    async def _attempts(self, guard: str, batch: list[_QueuedStep], until: Until) -> _Outcomes:
        doubtful = _Doubtful(guard)
        failures = attempt = 0
        while True:
            try:
                reading = await self._rpc.read_once(dict.fromkeys(path for call in batch for path in call.reads), until)
                if (landed := doubtful.settled(reading)) is not None:
                    return landed
                unit, token = Unit(reading), uuid4().hex
                outcomes = [_outcome(unit, call) for call in batch]
                if not unit.pending:
                    return outcomes
                _touch(unit, guard, token)
                doubtful.sending(token, reading, outcomes)
                await self._rpc.commit(unit, until)
                return outcomes
            except Contended:
                doubtful.refused()
            except TemporaryFailure as error:
                failures += 1
                if failures >= ATTEMPTS:
                    raise StoreUnavailable(str(error)) from None
            await pause(attempt)
            attempt += 1


class _Doubtful:
    """Commits whose reply was lost. The next read tells whether one of them was stored.

    Every commit writes a token into the guard. If a token is there, its commit was stored. If the guard is unchanged,
    none was, and the next commit excludes them by its condition on the same version. Otherwise the outcome is unknown.
    """

    def __init__(self, guard: str) -> None:
        self._guard = guard
        self._version: Any = None
        self._sent: dict[str, _Outcomes] = {}
        self._latest = ""

    def sending(self, token: str, reading: Reading, outcomes: _Outcomes) -> None:
        if not self._sent:
            self._version = reading.documents[self._guard].version
        self._sent[token] = outcomes
        self._latest = token

    def refused(self) -> None:
        self._sent.pop(self._latest, None)

    def settled(self, reading: Reading) -> _Outcomes | None:
        if not self._sent:
            return None
        guard = reading.documents[self._guard]
        token = guard.data.get(TOKEN) if guard.data is not None else None
        if token in self._sent:
            return self._sent[token]
        if guard.version != self._version:
            raise StoreUnavailable("the answer was lost, and others have written since")
        return None


def _take(queue: deque[_QueuedStep]) -> list[_QueuedStep]:
    """The queued calls that fit in one commit, without those whose caller is gone."""
    batch: list[_QueuedStep] = []
    operations = size = 0
    while queue:
        call = queue[0]
        if batch and (operations + call.operations > MAX_OPERATIONS or size + call.size > MAX_BYTES):
            break
        queue.popleft()
        if not call.future.done():
            batch.append(call)
            operations += call.operations
            size += call.size
    return batch


def _outcome(unit: Unit, call: _QueuedStep) -> tuple[_QueuedStep, Any, Exception | None]:
    """Run one step. A failed step is undone alone; the others of the batch stay."""
    before = dict(unit.pending)
    try:
        return call, call.step(unit), None
    except Exception as error:
        unit.pending = before
        return call, None, error if isinstance(error, StorageError) else StoreUnavailable(repr(error))


def _touch(unit: Unit, guard: str, token: str) -> None:
    """Every commit writes its guard, so that the commits of one guard exclude each other."""
    data = unit.pending.get(guard, {})
    if data is not None:
        unit.pending[guard] = data | {TOKEN: token}


def _resolve(outcomes: _Outcomes) -> None:
    for call, result, error in outcomes:
        if call.future.done():
            continue
        if error is not None:
            call.future.set_exception(error)
        else:
            call.future.set_result(result)


def _fail(batch: Iterable[_QueuedStep], error: Exception) -> None:
    for call in batch:
        if not call.future.done():
            call.future.set_exception(error)
