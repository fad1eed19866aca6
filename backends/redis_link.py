"""Calls made in one turn of the event loop travel as one pipeline.

The driver's own pipelines are not used: its asyncio cluster pipeline retries by itself, and keeps reading a connection
after the first reply of it failed. Here a batch is written and read on one connection of the driver, once; a connection
whose batch ended in any other way than with its last reply is dropped, so that no late reply meets another call.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from hiredis import pack_command
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from backends.errors import StorageError, StoreUnavailable
from backends.redis_errors import translate
from backends.redis_script import Command

BATCH = 500
MAX_WAITING = 20_000
CONNECTIONS = 4
_REDIRECTED = (MovedError, AskError, TryAgainError)
_LOST_MASTER = (ReadOnlyError, MasterDownError, ClusterDownError)


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
    """Where keys live."""

    def of(self, key: str) -> Node: ...

    async def redirect(self, args: tuple[Any, ...]) -> Any:
        """Send one command to where the cluster has moved its key. Raises the driver's errors."""

    def suspect(self) -> None:
        """A node did not answer as a master: learn the topology anew before long."""

    async def close(self) -> None: ...


class _Call:
    __slots__ = ("command", "reply")

    def __init__(self, command: Command, reply: asyncio.Future[Any]) -> None:
        self.command = command
        self.reply = reply

    def resolve(self, reply: Any) -> None:
        """An error is a reply like any other, so that one nobody waits for any more is no unhandled exception."""
        if not self.reply.done():
            self.reply.set_result(translate(reply) if isinstance(reply, BaseException) else reply)


class Link:
    """The way to Redis. At most `deadline` seconds for each call; `MAX_WAITING` commands may wait."""

    def __init__(self, nodes: Nodes, deadline: float) -> None:
        self.deadline = deadline
        self._nodes = nodes
        self._lanes: dict[Hashable, _Lane] = {}
        self._turn: list[_Call] = []
        self._waiting = 0
        self._closed = False

    async def one(self, command: Command) -> Any:
        """The reply. Raises `StoreUnavailable`."""
        return (await self.all(command))[0]

    async def all(self, *commands: Command) -> list[Any]:
        """The replies. Raises `StoreUnavailable` when one of them is an error."""
        replies = await self.each(commands)
        for reply in replies:
            if isinstance(reply, StorageError):
                raise reply
        return replies

    async def each(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, errors among them. Raises `StoreUnavailable` only when not all came in time."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._waiting + len(commands) > MAX_WAITING:
            raise StoreUnavailable(f"more than {MAX_WAITING} commands wait for Redis")
        loop = asyncio.get_running_loop()
        calls = [_Call(command, loop.create_future()) for command in commands]
        if calls and not self._turn:
            loop.call_soon(self._flush)
        self._turn += calls
        self._waiting += len(calls)
        try:
            async with asyncio.timeout(self.deadline):
                return [await call.reply for call in calls]
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {self.deadline} s") from None
        finally:
            self._waiting -= len(calls)
            for call in calls:
                call.reply.cancel()

    def _flush(self) -> None:
        turn, self._turn = self._turn, []
        for call in turn:
            try:
                node = self._nodes.of(call.command.key)
            except Exception as error:
                self._nodes.suspect()
                call.resolve(error)
                continue
            lane = self._lanes.get(node.name)
            if lane is None:
                lane = self._lanes[node.name] = _Lane(self._nodes, self.deadline)
            lane.node = node
            lane.queue.append(call)
        for lane in list(self._lanes.values()):
            lane.pump()

    async def close(self) -> None:
        """Finish what was sent and drop every connection."""
        if self._closed:
            return
        self._closed = True
        self._flush()
        while tasks := {task for lane in self._lanes.values() for task in lane.tasks}:
            await asyncio.wait(tasks)
        await self._nodes.close()


class _Lane:
    """What waits for one node. Calls that are given up before they are sent are never sent."""

    node: Node

    def __init__(self, nodes: Nodes, deadline: float) -> None:
        self.queue: deque[_Call] = deque()
        self.tasks: set[asyncio.Task[None]] = set()
        self._nodes = nodes
        self._deadline = deadline

    def pump(self) -> None:
        while self.queue and len(self.tasks) < CONNECTIONS:
            batch: list[_Call] = []
            while self.queue and len(batch) < BATCH:
                call = self.queue.popleft()
                if not call.reply.done():
                    batch.append(call)
            if batch:
                task = asyncio.create_task(self._run(batch))
                self.tasks.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.pump()

    async def _run(self, batch: list[_Call]) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                moved = await self._exchange(batch)
                for call in moved:
                    await self._follow(call)
        except Exception as error:
            self._nodes.suspect()
            for call in batch:
                call.resolve(error)

    async def _exchange(self, batch: list[_Call]) -> list[_Call]:
        """Resolve the calls, save those that a cluster wants to have elsewhere: these are returned."""
        node = self.node
        connection = await node.acquire()
        is_clean = False
        batch = [call for call in batch if not call.reply.done()]
        try:
            unknown, moved = await self._read(connection, batch, [call.command.args for call in batch])
            if unknown:
                sources = [call.command.fallback or call.command.args for call in unknown]
                _, moved_now = await self._read(connection, unknown, sources)
                moved += moved_now
            is_clean = True
        finally:
            if not is_clean:
                await connection.disconnect(nowait=True)
            await node.release(connection)
        return moved

    async def _read(
        self, connection: Any, calls: list[_Call], commands: list[tuple[Any, ...]]
    ) -> tuple[list[_Call], list[_Call]]:
        packed = b"".join(map(pack_command, commands))
        await connection.send_packed_command(packed, check_health=False)
        unknown: list[_Call] = []
        moved: list[_Call] = []
        lost: ResponseError | None = None
        for call, args in zip(calls, commands, strict=True):
            try:
                call.resolve(await connection.read_response())
            except NoScriptError as error:
                # The script did not run, so sending its source cannot run it twice.
                if args is call.command.fallback:
                    call.resolve(error)
                else:
                    unknown.append(call)
            except _REDIRECTED:
                moved.append(call)
            except ResponseError as error:
                if isinstance(error, _LOST_MASTER):
                    lost = error
                call.resolve(error)
        if lost is not None:
            raise lost
        return unknown, moved

    async def _follow(self, call: _Call) -> None:
        try:
            call.resolve(await self._nodes.redirect(call.command.fallback or call.command.args))
        except ResponseError as error:
            call.resolve(error)
