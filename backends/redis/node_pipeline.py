"""Calls made in one iteration of the event loop travel together, in pipelines of a few.

The driver's own pipelines are not used: its asyncio cluster pipeline retries by itself, and keeps reading a connection
after the first reply of it failed. Here a batch is written and read on one connection of the driver, once.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from redis.exceptions import ResponseError

from backends.errors import StorageError, StoreUnavailable
from backends.redis.connection import CallBatch, PendingCall, RedisConnection
from backends.redis.script import Command, LuaScript

EARLY = 6
"""Calls of a batch that are sent before it is complete, so that Redis works while the rest is prepared."""
BATCH = 500
MAX_WAITING = 20_000
CONNECTIONS = 4


@asynccontextmanager
async def bounded(deadline: float) -> AsyncIterator[None]:
    """Rule G2 for a call of several round trips."""
    try:
        async with asyncio.timeout(deadline):
            yield
    except TimeoutError:
        raise StoreUnavailable(f"not done within {deadline} s") from None


class Node(Protocol):
    """One server, with its connections."""

    @property
    def name(self) -> Hashable: ...

    async def acquire(self) -> Any: ...

    async def release(self, connection: Any) -> None: ...


class Nodes(Protocol):
    """Finds the node of a key."""

    def of(self, key: str) -> Node: ...

    async def redirect(self, args: tuple[Any, ...]) -> Any:
        """Send one command to where the cluster has moved its key. Raises the driver's errors."""

    def suspect(self) -> None:
        """Read the topology again soon: a node did not answer as a master."""

    async def close(self) -> None: ...


class RedisClient:
    """Sends commands to Redis. At most `deadline` seconds for each call; `MAX_WAITING` commands may wait.

    An answer is told when `wait_replicas` replicas have what was written, else `StoreUnavailable`.
    """

    def __init__(self, nodes: Nodes, deadline: float, wait_replicas: int = 0) -> None:
        self.deadline = deadline
        self._nodes = nodes
        self._wait_replicas = wait_replicas
        self._pipelines: dict[Hashable, _NodePipeline] = {}
        self._batch: CallBatch | None = None
        self._waiting = 0
        self._closed = False

    async def one(self, command: Command) -> Any:
        """The reply. Raises `StoreUnavailable`."""
        reply = await self.reply(command)
        if isinstance(reply, StorageError):
            raise reply
        return reply

    async def all(self, *commands: Command) -> list[Any]:
        """The replies. Raises `StoreUnavailable` when one of them is an error."""
        replies = await self.each(commands)
        for reply in replies:
            if isinstance(reply, StorageError):
                raise reply
        return replies

    async def each(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, errors among them. Raises `StoreUnavailable` only when none of them was sent."""
        if len(commands) == 1:
            return [await self.reply(commands[0])]
        self._admit(len(commands))
        calls = [self._call(command) for command in commands]
        try:
            return [await call.reply for call in calls]
        finally:
            self._waiting -= len(calls)
            for call in calls:
                call.reply.cancel()

    async def reply(self, command: Command) -> Any:
        """The reply. An error is returned, not raised."""
        self._admit(1)
        try:
            call = self._call(command)
            if len(call.batch.calls) >= EARLY:
                self._flush()
            # Cancelled while it waits, the future is cancelled too: a call that nobody waits for is not sent.
            return await call.reply
        finally:
            self._waiting -= 1

    def shared(self, script: LuaScript, keys: tuple[str, ...], member: str) -> PendingCall:
        """A call that goes out ahead of what its caller asks next: `script` with '' and the members of all who name
        the same keys in one pipeline. The next call must follow without waiting. Wait for this one with `settled`.
        """
        batch = self._current()
        known = batch.shared.get(keys)
        if known is None:
            known = batch.shared[keys] = (self._call(Command(keys[0], ())), script, {})
        known[2][member] = None
        return known[0]

    async def settled(self, call: PendingCall) -> None:
        """Wait for a shared call. Raises `StoreUnavailable` when it failed."""
        # Other callers wait for it too, so a cancelled caller must not cancel it.
        reply = call.reply.result() if call.reply.done() else await asyncio.shield(call.reply)
        if isinstance(reply, StorageError):
            raise reply

    def _admit(self, count: int) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._waiting + count > MAX_WAITING:
            raise StoreUnavailable(f"more than {MAX_WAITING} commands wait for Redis")
        self._waiting += count

    def _call(self, command: Command) -> PendingCall:
        batch = self._current()
        call = PendingCall(command, batch)
        batch.calls.append(call)
        return call

    def _current(self) -> CallBatch:
        if self._batch is None:
            self._batch = CallBatch(asyncio.get_running_loop())
            self._batch.loop.call_soon(self._flush)
        return self._batch

    def _flush(self) -> None:
        batch, self._batch = self._batch, None
        if batch is None:
            return
        batch.begin(self.deadline)
        for call in batch.calls:
            try:
                node = self._nodes.of(call.command.key)
            except Exception as error:
                self._nodes.suspect()
                call.resolve(error)
                continue
            pipeline = self._pipelines.get(node.name)
            if pipeline is None:
                pipeline = self._pipelines[node.name] = _NodePipeline(self._nodes, self.deadline, self._wait_replicas)
            pipeline.node = node
            pipeline.queue.append(call)
        for pipeline in self._pipelines.values():
            pipeline.pump()

    async def close(self) -> None:
        """Finish what was sent and drop every connection."""
        if self._closed:
            return
        self._closed = True
        self._flush()
        while left := [call.reply for pipeline in self._pipelines.values() for call in pipeline.left()]:
            await asyncio.wait(left)
        for pipeline in self._pipelines.values():
            await pipeline.close()
        await self._nodes.close()


class _NodePipeline:
    """The queue of one node. A call that is cancelled before it is sent is not sent."""

    node: Node

    def __init__(self, nodes: Nodes, deadline: float, wait_replicas: int) -> None:
        self._wait_replicas = wait_replicas
        self.queue: deque[PendingCall] = deque()
        self._nodes = nodes
        self._deadline = deadline
        self._free: list[RedisConnection] = []
        self._connections: dict[RedisConnection, Node] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: set[PendingCall] = set()
        self._closed = False

    def pump(self) -> None:
        """Send waiting calls on the free connections. Open another connection when none is free."""
        while self.queue and self._free:
            batch: list[PendingCall] = []
            while self.queue and len(batch) < BATCH:
                call = self.queue.popleft()
                if not call.reply.done():
                    batch.append(call)
            if batch:
                self._free.pop().send(batch)
        if self.queue and self._connecting is None and len(self._connections) < CONNECTIONS and not self._closed:
            self._connecting = asyncio.create_task(self._connect(self.node))

    async def _connect(self, node: Node) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                driver = await node.acquire()
                connection = RedisConnection(driver, self._deadline, self._freed, self._lost, self._wait_replicas)
            self._connections[connection] = node
            self._free.append(connection)
        except Exception as error:
            self._nodes.suspect()
            if not self._connections:
                while self.queue:
                    self.queue.popleft().resolve(error)
        finally:
            self._connecting = None
        self.pump()

    def _freed(self, connection: RedisConnection, moved: list[PendingCall]) -> None:
        self._free.append(connection)
        if moved and self._wait_replicas:
            # The driver's way to another node knows no replicas. The caller asks again, by the new topology.
            self._nodes.suspect()
            for call in moved:
                call.resolve(StoreUnavailable("the key has moved to another node"))
        elif moved:
            self._following.update(moved)
            self._start(self._follow(moved))
        if self.queue:
            self.pump()

    def _lost(self, connection: RedisConnection) -> None:
        node = self._connections.pop(connection)
        if connection in self._free:
            self._free.remove(connection)
        self._start(_let_go(node, connection.connection))
        if not self._closed:
            self._nodes.suspect()
            self.pump()

    async def _follow(self, moved: list[PendingCall]) -> None:
        for call in moved:
            try:
                async with asyncio.timeout(self._deadline):
                    call.resolve(await self._nodes.redirect(call.command.fallback or call.command.args))
            except ResponseError as error:
                call.resolve(error)
            except Exception as error:
                self._nodes.suspect()
                call.resolve(error)
            finally:
                self._following.discard(call)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def left(self) -> list[PendingCall]:
        """The calls without a reply that somebody still waits for."""
        sent = [call for connection in self._connections for call in connection.left()]
        return [call for call in (*self.queue, *sent, *self._following) if not call.reply.done()]

    async def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        for connection in list(self._connections):
            connection.drop(ConnectionError("the store is closed"))
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _let_go(node: Node, connection: Any) -> None:
    with suppress(Exception):  # The connection is closed in any case, and its calls have failed.
        await connection.disconnect(nowait=True)
    await node.release(connection)
