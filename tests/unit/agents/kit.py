"""Agents, visitors and stores for the tests of answering."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import Appended, Draft, Session, SessionRef
from leflux.agents.answering import Answering
from leflux.agents.base import AgentEvent, Delta, Done, Question
from leflux.chat.policy import Policy
from tests.answering_kit import open_answering
from tests.contract.kit import LONG, decoded
from tests.services.wait import until

POLICY = Policy(client_ttl=60, user_data_ttl=60, idle_ttl=LONG, task_hold=30, read_only=3)
PATIENT = 30.0


class Visitors:
    """Keeps every event; stands for the sockets, which the server tests have for real."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None:
        self.events.append((event, payload))


class Scripted:
    """An agent made of one function; counts its calls."""

    def __init__(self, reply: Callable[[Question], AsyncGenerator[AgentEvent, None]]) -> None:
        self._reply = reply
        self.calls = 0

    def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        self.calls += 1
        return self._reply(question)

    async def close(self) -> None:
        return None


async def hangs(_: Question) -> AsyncGenerator[AgentEvent, None]:
    yield Delta("half ")
    await asyncio.Event().wait()


async def raises(_: Question) -> AsyncGenerator[AgentEvent, None]:
    yield Delta("half ")
    raise KeyError("a fault of the agent")


async def answers(_: Question) -> AsyncGenerator[AgentEvent, None]:
    yield Delta("because")
    yield Done({"sources": ["/a"]})


def answering_of(
    storage: Storage, agent: Any, deadline: float = PATIENT, visitors: Visitors | None = None
) -> Answering:
    return over(storage.sessions, agent, visitors or Visitors(), deadline)


def over(store: Any, agent: Any, visitors: Visitors, deadline: float) -> Answering:
    """Answering over a store, with tasks that no page ever runs (`tests/server/tasks/test_answering.py` has those)."""
    return open_answering(store, agent, visitors, POLICY, deadline)[1]


async def replies(storage: Storage, ref: SessionRef) -> list[dict[str, Any]]:
    found = [decoded(body) for body in await storage.sessions.messages(ref, 0, 1000)]
    return [message for message in found if message["role"] == "assistant"]


async def settled(storage: Storage, ref: SessionRef) -> Session:
    """The session once no turn is open."""

    async def closed() -> Session | None:
        session = await storage.sessions.load(ref)
        return session if session.answered >= session.asked > 0 else None

    return await until(closed, "every question has its outcome")


class Shaky:
    """A store whose `append` lands and then answers `StoreUnavailable`, the first `times` times."""

    def __init__(self, storage: Storage, times: int) -> None:
        self._sessions = storage.sessions
        self.times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        stored = await self._sessions.append(ref, draft, epoch)
        if self.times:
            self.times -= 1
            raise StoreUnavailable("the answer was lost")
        return stored
