"""Breaks things and mends them again, at moments and in an order that the seed chooses."""

import asyncio
import random
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress

from tests.faults.history import History
from tests.faults.set_ups import SetUp
from tests.services.proxy import Direction

Fault = Callable[[], Awaitable[None]]


class Nemesis:
    """One fault after the other. `faults` names what this installation can suffer."""

    def __init__(self, history: History, seed: int, set_up: SetUp) -> None:
        self._history = history
        self._random = random.Random(f"{seed}/nemesis")
        self._set_up = set_up
        self.faults: dict[str, Fault] = {"kill": self._kill, "drain": self._drain, "freeze": self._freeze}
        if set_up.file is not None:
            self.faults["lock the file"] = self._lock
        if set_up.links:
            self.faults |= {"cut a link": self._cut, "hold a link": self._hold, "swallow": self._swallow}
            self.faults |= {"slow link": self._slow, "lose a reply": self._lose_reply, "tear a request": self._tear}
        if set_up.redis is not None:
            self.faults |= {"kill redis": self._kill_redis, "freeze redis": self._freeze_redis}
            self.faults["drop subscribers"] = self._drop_subscribers
        if set_up.emulator is not None:
            self.faults["freeze firestore"] = self._freeze_firestore

    async def work(self, enough: asyncio.Event) -> None:
        """Break one thing at a time until told that it is enough. Everything is mended at the end."""
        while not enough.is_set():
            await asyncio.sleep(self._random.uniform(0.2, 1.5))
            name = self._random.choice(sorted(self.faults))
            self._history.add("fault", name)
            await self.faults[name]()

    def _while(self) -> float:
        return self._random.uniform(0.1, 3.0)

    async def _kill(self) -> None:
        server = self._random.choice(self._set_up.servers)
        await server.kill()
        await asyncio.sleep(self._random.uniform(0.0, 1.0))
        await server.start()

    async def _drain(self) -> None:
        server = self._random.choice(self._set_up.servers)
        server.signal(signal.SIGTERM)
        await server.stopped()
        await server.start()

    async def _freeze(self) -> None:
        server = self._random.choice(self._set_up.servers)
        server.signal(signal.SIGSTOP)
        await asyncio.sleep(self._while())
        server.signal(signal.SIGCONT)

    async def _lock(self) -> None:
        assert self._set_up.file is not None
        with closing(sqlite3.connect(self._set_up.file, timeout=0.5, isolation_level=None)) as db:
            with suppress(sqlite3.OperationalError):
                db.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(self._while())

    async def _cut(self) -> None:
        link = self._random.choice(self._set_up.links)
        link.cut()
        await asyncio.sleep(self._while())
        link.heal()

    async def _hold(self) -> None:
        link = self._random.choice(self._set_up.links)
        link.hold(*self._random.choice([(), (Direction.REQUEST,), (Direction.REPLY,)]))
        await asyncio.sleep(self._while())
        link.heal()

    async def _swallow(self) -> None:
        link = self._random.choice(self._set_up.links)
        link.blackhole()
        await asyncio.sleep(self._while())
        link.heal()

    async def _slow(self) -> None:
        link = self._random.choice(self._set_up.links)
        link.latency = self._random.uniform(0.05, 0.5)
        await asyncio.sleep(self._while())
        link.latency = 0.0

    async def _lose_reply(self) -> None:
        link = self._random.choice(self._set_up.links)
        link.drop_reply(rb".")
        await asyncio.sleep(self._while())
        link.heal()

    async def _tear(self) -> None:
        link = self._random.choice(self._set_up.links)
        link.tear_request()
        await asyncio.sleep(self._while())
        link.heal()

    async def _kill_redis(self) -> None:
        assert self._set_up.redis is not None
        self._set_up.redis.kill()
        await asyncio.sleep(self._while())
        await asyncio.to_thread(self._set_up.redis.start)

    async def _freeze_redis(self) -> None:
        assert self._set_up.redis is not None
        self._set_up.redis.freeze()
        await asyncio.sleep(self._while())
        self._set_up.redis.thaw()

    async def _drop_subscribers(self) -> None:
        assert self._set_up.redis is not None
        await asyncio.to_thread(self._set_up.redis.ask, b"CLIENT", b"KILL", b"TYPE", b"pubsub")

    async def _freeze_firestore(self) -> None:
        assert self._set_up.emulator is not None
        self._set_up.emulator.signal(signal.SIGSTOP)
        await asyncio.sleep(self._while())
        self._set_up.emulator.signal(signal.SIGCONT)
