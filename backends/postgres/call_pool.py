"""A few connections. Calls made while all are busy travel together, in one statement and one transaction.

Group commit: under load many calls share one round trip and one flush; an idle store pays no waiting time for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from psycopg import AsyncRawCursor
from psycopg.pq import TransactionStatus

from backends.errors import StorageError, StoreUnavailable
from backends.postgres.connect import Connection, cut, is_usable
from backends.postgres.errors import translate

BATCH = 100
MAX_WAITING = 20_000
TRIES = 5
_UNDONE = {"40001", "40P01"}
"""Serialization failure and deadlock: the server has undone the transaction, and asks for another try."""
_STANDBY = {"25006"}


class PoolCall:
    """One function of the schema with its arguments, or one statement. `key` orders the calls of a batch.

    Every process takes the locks of a batch in the order of the keys, so that two never wait for each other.
    """

    __slots__ = ("arguments", "is_statement", "key", "reply", "text")

    def __init__(self, text: str, arguments: Sequence[Any], key: str, is_statement: bool) -> None:
        self.text = text
        self.arguments = arguments
        self.key = key
        self.is_statement = is_statement
        self.reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def resolve(self, result: Any) -> None:
        """Errors are results too, so that an abandoned call logs no exception."""
        if not self.reply.done():
            self.reply.set_result(result)


class CallPool:
    """At most `size` connections, opened when they are needed. Every call ends within `deadline` seconds."""

    def __init__(self, open_: Callable[[], Awaitable[Connection]], size: int, deadline: float) -> None:
        self._open = open_
        self._size = size
        self._deadline = deadline
        self._queue: deque[PoolCall] = deque()
        self._idle: list[Connection] = []
        self._count = 0
        self._serving: set[asyncio.Task[None]] = set()
        self._is_scheduled = False
        self._closed = False

    def adopt(self, connection: Connection) -> None:
        """Use a connection that is open already."""
        self._count += 1
        self._idle.append(connection)

    async def call(self, function: str, *arguments: Any, key: str) -> list[bytes | None]:
        """What a function of the schema returns. Raises `StoreUnavailable`."""
        found: list[bytes | None] = await self._submit(PoolCall(function, arguments, key, is_statement=False))
        return found

    async def rows(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement. Raises `StoreUnavailable`."""
        found: list[tuple[Any, ...]] = await self._submit(PoolCall(statement, arguments, "", is_statement=True))
        return found

    async def _submit(self, call: PoolCall) -> Any:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if len(self._queue) >= MAX_WAITING:
            raise StoreUnavailable(f"more than {MAX_WAITING} calls wait for PostgreSQL")
        self._queue.append(call)
        if not self._is_scheduled:
            self._is_scheduled = True
            call.reply.get_loop().call_soon(self._pump)
        try:
            async with asyncio.timeout(self._deadline):
                result = await call.reply
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self._deadline} s") from None
        if isinstance(result, StorageError):
            raise result
        return result

    def _pump(self) -> None:
        self._is_scheduled = False
        while self._idle or self._count < self._size:
            batch = self._take()
            if not batch:
                return
            connection = self._idle.pop() if self._idle else None
            self._count += connection is None
            task = asyncio.get_running_loop().create_task(self._serve(connection, batch))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    def _take(self) -> list[PoolCall]:
        """The calls of the next batch. One that is cancelled or too late before it is sent is not sent."""
        batch: list[PoolCall] = []
        while self._queue and len(batch) < BATCH:
            call = self._queue[0]
            if call.is_statement and batch:
                break
            self._queue.popleft()
            if not call.reply.done():
                batch.append(call)
                if call.is_statement:
                    break
        return sorted(batch, key=lambda call: call.key)

    async def _serve(self, connection: Connection | None, batch: list[PoolCall]) -> None:
        try:
            while batch:
                connection = await self._connected(connection)
                await self._run_watched(connection, batch)
                batch = self._take()
        except Exception as error:
            for call in batch:
                call.resolve(translate(error))
        if connection is not None and not connection.closed and not self._closed:
            self._idle.append(connection)
        else:
            self._count -= 1
            await _let_go(connection)
        if self._queue:
            self._pump()

    async def _connected(self, connection: Connection | None) -> Connection:
        if connection is not None:
            if is_usable(connection):
                return connection
            await _let_go(connection)
        return await self._open()

    async def _run_watched(self, connection: Connection, batch: list[PoolCall]) -> None:
        watch = asyncio.get_running_loop().call_later(self._deadline, cut, connection)
        try:
            await self._run(connection, batch)
        finally:
            watch.cancel()

    async def _run(self, connection: Connection, batch: list[PoolCall], tries: int = TRIES) -> None:
        try:
            results = await _execute(connection, batch)
        except Exception as error:
            state = getattr(error, "sqlstate", None)
            if connection.pgconn.transaction_status != TransactionStatus.IDLE or state in _STANDBY:
                # The next connection may find the server that has taken over.
                await _let_go(connection)
                for call in batch:
                    call.resolve(translate(error))
            elif len(batch) > 1:
                # The server has undone the batch; one call must not fail its neighbours.
                for call in batch:
                    await self._run(connection, [call])
            elif state in _UNDONE and tries > 1:
                await self._run(connection, batch, tries - 1)
            else:
                batch[0].resolve(translate(error))
        else:
            for call, result in zip(batch, results, strict=True):
                call.resolve(result)

    async def close(self) -> None:
        """Finish what was sent and let go of every connection."""
        self._closed = True
        self._pump()
        while self._serving or self._queue:
            await asyncio.wait(set(self._serving))
        while self._idle:
            self._count -= 1
            await _let_go(self._idle.pop())


async def _execute(connection: Connection, batch: list[PoolCall]) -> Sequence[Any]:
    cursor = AsyncRawCursor(connection)
    if batch[0].is_statement:
        await cursor.execute(batch[0].text, batch[0].arguments, binary=True)
        return [await cursor.fetchall() if cursor.description is not None else []]
    parts: list[str] = []
    arguments: list[Any] = []
    for call in batch:
        first = len(arguments) + 1
        arguments += call.arguments
        parts.append(f"{call.text}({', '.join(f'${place}' for place in range(first, len(arguments) + 1))})")
    await cursor.execute(f"SELECT {', '.join(parts)}", arguments, binary=True)
    row = await cursor.fetchone()
    assert row is not None
    return row


async def _let_go(connection: Connection | None) -> None:
    if connection is not None:
        with suppress(Exception):  # Its calls have failed, or it has none.
            await connection.close()
