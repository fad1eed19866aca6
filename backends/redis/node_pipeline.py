"""Calls made in one turn of the event loop travel together, in pipelines of a few.

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
from backends.redis_script import Command, Script
from backends.redis_wire import Call, Turn, Wire

EARLY = 6
"""So many calls of one turn go out before it ends: Redis works on them while the rest is still being prepared."""
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
    """Where keys live."""

    def of(self, key: str) -> Node: ...

    async def redirect(self, args: tuple[Any, ...]) -> Any:
        """Send one command to where the cluster has moved its key. Raises the driver's errors."""

    def suspect(self) -> None:
        """A node did not answer as a master: learn the topology anew before long."""

    async def close(self) -> None: ...


class Link:
    """The way to Redis. At most `deadline` seconds for each call; `MAX_WAITING` commands may wait."""

    def __init__(self, nodes: Nodes, deadline: float) -> None:
        self.deadline = deadline
        self._nodes = nodes
        self._lanes: dict[Hashable, _Lane] = {}
        self._turn: Turn | None = None
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
        """The reply, an error like any other."""
        self._admit(1)
        try:
            call = self._call(command)
            if len(call.turn.calls) >= EARLY:
                self._flush()
            # Cancelled while it waits, the future is cancelled too: a call that nobody waits for is not sent.
            return await call.reply
        finally:
            self._waiting -= 1

    def shared(self, script: Script, keys: tuple[str, ...], member: str) -> Call:
        """A call that goes out ahead of what its caller asks next: `script` with '' and the members of all who name
        the same keys in one pipeline. The next call must follow without waiting. Wait for this one with `settled`.
        """
        turn = self._current()
        known = turn.shared.get(keys)
        if known is None:
            known = turn.shared[keys] = (self._call(Command(keys[0], ())), script, {})
        known[2][member] = None
        return known[0]

    async def settled(self, call: Call) -> None:
        """Wait for a shared call. Raises `StoreUnavailable` when it failed."""
        # Others wait for it too: whoever gives up does so alone.
        reply = call.reply.result() if call.reply.done() else await asyncio.shield(call.reply)
        if isinstance(reply, StorageError):
            raise reply

    def _admit(self, count: int) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._waiting + count > MAX_WAITING:
            raise StoreUnavailable(f"more than {MAX_WAITING} commands wait for Redis")
        self._waiting += count

    def _call(self, command: Command) -> Call:
        turn = self._current()
        call = Call(command, turn)
        turn.calls.append(call)
        return call

    def _current(self) -> Turn:
        if self._turn is None:
            self._turn = Turn(asyncio.get_running_loop())
            self._turn.loop.call_soon(self._flush)
        return self._turn

    def _flush(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        turn.begin(self.deadline)
        for call in turn.calls:
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
        for lane in self._lanes.values():
            lane.pump()

    async def close(self) -> None:
        """Finish what was sent and drop every connection."""
        if self._closed:
            return
        self._closed = True
        self._flush()
        while left := [call.reply for lane in self._lanes.values() for call in lane.left()]:
            await asyncio.wait(left)
        for lane in self._lanes.values():
            await lane.close()
        await self._nodes.close()


class _Lane:
    """What waits for one node. Calls that are given up before they are sent are never sent."""

    node: Node

    def __init__(self, nodes: Nodes, deadline: float) -> None:
        self.queue: deque[Call] = deque()
        self._nodes = nodes
        self._deadline = deadline
        self._free: list[Wire] = []
        self._wires: dict[Wire, Node] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._following: set[Call] = set()
        self._closed = False

    def pump(self) -> None:
        """Give what waits to the connections that are free; open another one when none is."""
        while self.queue and self._free:
            batch: list[Call] = []
            while self.queue and len(batch) < BATCH:
                call = self.queue.popleft()
                if not call.reply.done():
                    batch.append(call)
            if batch:
                self._free.pop().send(batch)
        if self.queue and self._connecting is None and len(self._wires) < CONNECTIONS and not self._closed:
            self._connecting = asyncio.create_task(self._connect(self.node))

    async def _connect(self, node: Node) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                connection = await node.acquire()
                wire = Wire(connection, self._deadline, self._freed, self._lost)
            self._wires[wire] = node
            self._free.append(wire)
        except Exception as error:
            self._nodes.suspect()
            if not self._wires:
                while self.queue:
                    self.queue.popleft().resolve(error)
        finally:
            self._connecting = None
        self.pump()

    def _freed(self, wire: Wire, moved: list[Call]) -> None:
        self._free.append(wire)
        if moved:
            self._following.update(moved)
            self._start(self._follow(moved))
        if self.queue:
            self.pump()

    def _lost(self, wire: Wire) -> None:
        node = self._wires.pop(wire)
        if wire in self._free:
            self._free.remove(wire)
        self._start(_let_go(node, wire.connection))
        if not self._closed:
            self._nodes.suspect()
            self.pump()

    async def _follow(self, moved: list[Call]) -> None:
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

    def left(self) -> list[Call]:
        """What is not answered yet and somebody waits for."""
        sent = [call for wire in self._wires for call in wire.left()]
        return [call for call in (*self.queue, *sent, *self._following) if not call.reply.done()]

    async def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        for wire in list(self._wires):
            wire.drop(ConnectionError("the store is closed"))
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _let_go(node: Node, connection: Any) -> None:
    with suppress(Exception):  # It is gone in any case; what was waiting for it has been told.
        await connection.disconnect(nowait=True)
    await node.release(connection)
