"""Seeded visitors: each talks in sessions of its own, over sockets and HTTP, and records what it was told."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import aiohttp
from socketio.exceptions import SocketIOError

from tests.faults.history import Event, History, Kind, Stored, canary
from tests.server.conftest import Socket
from tests.server.conftest import Visitor as Client

CALL_SECONDS = 6.0
SAYS_A_SESSION = 40
# Codes after which the server cannot know either.
UNCLEAR = {"store_unavailable", "internal_error", "shutting_down"}
LOST = (aiohttp.ClientError, SocketIOError, TimeoutError, OSError, ValueError)


class Tab:
    """One page: a socket that has joined with `epoch`."""

    def __init__(self, name: str, socket: Socket, session: str, epoch: int) -> None:
        self.name = name
        self.socket = socket
        self.session = session
        self.epoch = epoch


class Visitor:
    """`bases`: the servers; a call goes to any of them."""

    def __init__(
        self, history: History, seed: int, number: int, bases: Sequence[str], http: aiohttp.ClientSession
    ) -> None:
        self.number = number
        self.canary = canary(seed, number)
        self.sessions: list[str] = []
        self._history = history
        self._random = random.Random(f"{seed}/{number}")
        self._bases = bases
        self._http = http
        self._stack = AsyncExitStack()
        self._session: str | None = None
        self._tabs: list[Tab] = []
        self._said: list[tuple[str, str]] = []
        self._tab_count = 0

    async def work(self, enough: asyncio.Event) -> None:
        """Operate until told that it is enough. Never raises for what a fault may do."""
        operations: dict[Callable[[], Awaitable[None]], float] = {
            self._say: 10,
            self._repeat: 4,
            self._contradict: 1,
            self._join: 3,
            self._restore: 4,
        }
        operations |= {self._leave: 1, self._purge: 0.3, self._both: 2}
        while not enough.is_set():
            if self._session is None or len(self._said) > SAYS_A_SESSION:
                await self._begin()
            else:
                [operation] = self._random.choices(list(operations), list(operations.values()))
                await operation()
            await asyncio.sleep(self._random.uniform(0.0, 0.1))

    async def close(self) -> None:
        for tab in self._tabs:
            await self._drop(tab)
        await self._stack.aclose()

    def client(self) -> Client:
        return Client(self._random.choice(self._bases), self._http, self._stack)

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                self._session = await self.client().init()
        except (*LOST, AssertionError):
            return
        self.sessions.append(self._session)
        self._said = []

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    async def _say(self) -> None:
        key = self._uuid()
        text = f"{self.canary} {key[:8]}"
        self._said.append((key, text))
        await self._send(key, text)

    async def _repeat(self) -> None:
        if self._said:
            await self._send(*self._random.choice(self._said[-5:]))

    async def _contradict(self) -> None:
        """The same key with another text."""
        if self._said:
            key, text = self._random.choice(self._said[-5:])
            await self._send(key, f"{text} otherwise")

    async def _both(self) -> None:
        """Two tabs, or two tries, at once."""
        await asyncio.gather(self._say(), self._random.choice([self._say, self._repeat])())

    async def _send(self, key: str, text: str) -> None:
        assert self._session is not None
        tabs = [tab for tab in self._tabs if tab.session == self._session]
        tab = self._random.choice(tabs) if tabs and self._random.random() < 0.7 else None
        fields: dict[str, Any] = {"visitor": self.number, "session": self._session, "key": key, "text": text}
        fields |= {"tab": tab.name, "epoch": tab.epoch} if tab is not None else {"tab": f"{self.number}-http"}
        call = self._history.invoke("say", **fields)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                answer = await (self._post(key, text) if tab is None else self._emit(tab, key, text))
        except LOST as error:
            self._history.add("unknown", "say", call=call, error=type(error).__name__, **fields)
            return
        if "error" not in answer:
            self._history.add("ok", "say", call=call, seq=answer["seq"], **fields)
        else:
            kind: Kind = "unknown" if answer["error"] in UNCLEAR else "refused"
            self._history.add(kind, "say", call=call, error=answer["error"], **fields)

    async def _post(self, key: str, text: str) -> Any:
        body = {"sessionId": self._session, "clientMessageId": key, "message": text}
        return (await self.client().call("POST", "/api/chat", body))[1]

    async def _emit(self, tab: Tab, key: str, text: str) -> Any:
        payload = {"sessionId": tab.session, "clientMessageId": key, "text": text}
        return await tab.socket.client.call("send_message", payload, timeout=CALL_SECONDS)

    async def _join(self) -> None:
        assert self._session is not None
        self._tab_count += 1
        name = f"{self.number}-{self._tab_count}"
        fields: dict[str, Any] = {"visitor": self.number, "session": self._session, "tab": name}
        call = self._history.invoke("join", **fields)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                socket = await self.client().socket(self._session, since=0)
                while not socket.of("session_joined"):
                    await asyncio.sleep(0.01)
        except LOST as error:
            self._history.add("unknown", "join", call=call, error=type(error).__name__, **fields)
            return
        [joined] = socket.of("session_joined")
        self._history.add("ok", "join", call=call, epoch=joined["epoch"], **fields)
        self._tabs.append(Tab(name, socket, self._session, joined["epoch"]))
        if len(self._tabs) > 3:
            await self._drop(self._tabs[0])

    async def _leave(self) -> None:
        if self._tabs:
            await self._drop(self._random.choice(self._tabs))

    async def _drop(self, tab: Tab) -> None:
        self._tabs.remove(tab)
        await _disconnect(tab.socket)

    async def _restore(self) -> None:
        assert self._session is not None
        fields: dict[str, Any] = {"visitor": self.number, "session": self._session}
        call = self._history.invoke("restore", **fields)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                status, answer = await self.client().call("GET", f"/api/session/{self._session}/messages?limit=500")
        except LOST as error:
            self._history.add("unknown", "restore", call=call, error=type(error).__name__, **fields)
            return
        if status == 200:
            self._history.add("ok", "restore", call=call, shown=stored(answer["messages"]), **fields)
        else:
            self._history.add("refused", "restore", call=call, error=answer["error"], **fields)

    async def _purge(self) -> None:
        session, self._session = self._session, None
        assert session is not None
        await self.purge(session)

    async def purge(self, session: str) -> Event:
        """Erase a session; repeated by the runner when its outcome is not known."""
        fields: dict[str, Any] = {"visitor": self.number, "session": session}
        call = self._history.invoke("purge", **fields)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                status, answer = await self.client().call("DELETE", f"/api/session/{session}")
        except LOST as error:
            return self._history.add("unknown", "purge", call=call, error=type(error).__name__, **fields)
        if status in (200, 410) or (status == 404 and answer["error"] == "session_not_found"):
            return self._history.add("ok", "purge", call=call, **fields)
        return self._history.add("unknown", "purge", call=call, error=answer.get("error", ""), **fields)


async def _disconnect(socket: Socket) -> None:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await socket.client.disconnect()
    except LOST:
        return


def stored(messages: Sequence[dict[str, Any]]) -> tuple[Stored, ...]:
    return tuple(Stored(one["seq"], one["role"], one["text"], one.get("clientMessageId")) for one in messages)
