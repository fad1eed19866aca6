"""Turns: each question ends in exactly one stored outcome, whatever the agent and the process do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import Appended, Draft, Session, SessionRef
from leflux import wire
from leflux.acting import open_acting
from leflux.agents.base import AgentEvent, Delta, Done, Turn
from leflux.agents.echo import EchoAgent
from leflux.privacy import Policy
from leflux.sites import Sites
from leflux.stats import Stats
from leflux.turns import MAX_ATTEMPTS, Turns
from tests.contract.kit import LONG, SHORT, SITE, ask, decoded, started
from tests.services.wait import until

POLICY = Policy(client_ttl=60, user_data_ttl=60, idle_ttl=LONG, task_hold=30, read_only=3)
PATIENT = 30.0


class Outlet:
    """Keeps every event; stands for the sockets, which the server tests have for real."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None:
        self.events.append((event, payload))


class Scripted:
    """An agent made of one function; counts its calls."""

    def __init__(self, reply: Callable[[Turn], AsyncGenerator[AgentEvent, None]]) -> None:
        self._reply = reply
        self.calls = 0

    def reply(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]:
        self.calls += 1
        return self._reply(turn)

    async def close(self) -> None:
        return None


async def hangs(_: Turn) -> AsyncGenerator[AgentEvent, None]:
    yield Delta("half ")
    await asyncio.Event().wait()


async def raises(_: Turn) -> AsyncGenerator[AgentEvent, None]:
    yield Delta("half ")
    raise KeyError("a fault of the agent")


async def answers(_: Turn) -> AsyncGenerator[AgentEvent, None]:
    yield Delta("because")
    yield Done({"sources": ["/a"]})


@pytest.fixture(params=["memory", "sqlite"])
async def storage(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Storage]:
    tree = {"backend": request.param, "sqlite": {"path": str(tmp_path / "turns.db")}, "deadline": PATIENT}
    storage = await open_storage(msgspec.convert(tree, StoreSettings))
    yield storage
    await storage.close()


def turns_of(storage: Storage, agent: Any, deadline: float = PATIENT, outlet: Outlet | None = None) -> Turns:
    return over(storage.sessions, agent, outlet or Outlet(), deadline)


def over(store: Any, agent: Any, outlet: Outlet, deadline: float) -> Turns:
    """Turns over a store, with tasks that no page ever runs (`test_tasks_turns` has those)."""
    acting = open_acting(store, lambda _: POLICY, outlet, lambda _: None, Sites([]), Stats(), 30, lambda *_: None)
    return Turns(store, agent, acting.tasks, lambda _: POLICY, outlet, deadline)


async def replies(storage: Storage, ref: SessionRef) -> list[dict[str, Any]]:
    found = [decoded(body) for body in await storage.sessions.messages(ref, 0, 1000)]
    return [message for message in found if message["role"] == "assistant"]


async def settled(storage: Storage, ref: SessionRef) -> Session:
    """The session once no turn is open."""

    async def closed() -> Session | None:
        session = await storage.sessions.load(ref)
        return session if session.answered >= session.asked > 0 else None

    return await until(closed, "every question has its outcome")


async def test_an_answer_is_streamed_stored_once_and_announced(storage: Storage) -> None:
    outlet = Outlet()
    turns = turns_of(storage, Scripted(answers), outlet=outlet)
    ref = await started(storage)
    await ask(storage, ref)
    turns.kick(SITE, ref.session_id)
    await settled(storage, ref)
    await turns.drain(PATIENT)
    [reply] = await replies(storage, ref)
    assert (reply["text"], reply["data"], reply.get("kind")) == ("because", {"sources": ["/a"]}, None)
    assert [event for event, _ in outlet.events] == [wire.MESSAGE_CHUNK, wire.MESSAGE_DONE]
    assert turns.streams(ref.session_id) == []


@pytest.mark.parametrize(("reply", "deadline"), [(hangs, 0.2), (raises, PATIENT)])
async def test_an_agent_that_hangs_or_raises_yields_one_error_message(
    storage: Storage, reply: Callable[[Turn], AsyncGenerator[AgentEvent, None]], deadline: float
) -> None:
    agent = Scripted(reply)
    turns = turns_of(storage, agent, deadline)
    ref = await started(storage)
    await ask(storage, ref)
    turns.kick(SITE, ref.session_id)
    await settled(storage, ref)
    await turns.drain(PATIENT)
    [message] = await replies(storage, ref)
    assert message["kind"] == "error"
    assert "fault of the agent" not in message["text"]
    assert (agent.calls, turns.failed, turns.finished) == (1, 1, 0)


async def test_each_of_several_questions_gets_one_answer_in_order(storage: Storage) -> None:
    turns = turns_of(storage, EchoAgent())
    ref = await started(storage)
    for number in range(5):
        await ask(storage, ref, f"question {number}")
        turns.kick(SITE, ref.session_id)
    await settled(storage, ref)
    await turns.drain(PATIENT)
    assert [reply["text"] for reply in await replies(storage, ref)] == [f"echo: question {n}" for n in range(5)]


async def test_ten_workers_that_are_kicked_at_once_give_one_outcome(storage: Storage) -> None:
    agent = Scripted(answers)
    workers = [turns_of(storage, agent) for _ in range(10)]
    ref = await started(storage)
    await ask(storage, ref)
    for worker in workers * 3:
        worker.kick(SITE, ref.session_id)
    await settled(storage, ref)
    for worker in workers:
        await worker.drain(PATIENT)
    assert len(await replies(storage, ref)) == 1
    assert agent.calls == 1


async def test_another_worker_takes_up_the_turn_of_one_that_crashed(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    assert await storage.sessions.lease(ref, "crashed", SHORT) is not None
    turns = turns_of(storage, Scripted(answers))

    async def answered() -> bool:
        turns.kick(SITE, ref.session_id)
        return bool(await replies(storage, ref))

    await until(answered, "the turn is taken up")
    await turns.drain(PATIENT)
    assert len(await replies(storage, ref)) == 1


async def test_a_turn_that_was_interrupted_too_often_ends_in_an_error(storage: Storage) -> None:
    """So that one question which kills its process cannot do so for ever."""
    ref = await started(storage)
    await ask(storage, ref)
    for number in range(MAX_ATTEMPTS):
        assert await storage.sessions.lease(ref, f"crashed {number}", 0.0) is not None
    agent = Scripted(answers)
    turns = turns_of(storage, agent)
    turns.kick(SITE, ref.session_id)
    await settled(storage, ref)
    [message] = await replies(storage, ref)
    assert (message["kind"], agent.calls) == ("error", 0)
    await turns.drain(PATIENT)


async def test_draining_hands_back_what_does_not_end_in_time(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    leaving = turns_of(storage, Scripted(hangs))
    leaving.kick(SITE, ref.session_id)
    await until(lambda: bool(leaving.streams(ref.session_id)), "the reply is being written")
    await leaving.drain(0.0)
    assert await replies(storage, ref) == []
    leaving.kick(SITE, ref.session_id)
    following = turns_of(storage, Scripted(answers))
    following.kick(SITE, ref.session_id)
    await settled(storage, ref)
    assert [reply["text"] for reply in await replies(storage, ref)] == ["because"]
    await following.drain(PATIENT)


async def test_a_purge_during_the_answer_leaves_nothing_behind(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    turns = turns_of(storage, Scripted(hangs), deadline=0.3)
    turns.kick(SITE, ref.session_id)
    await until(lambda: bool(turns.streams(ref.session_id)), "the reply is being written")
    await storage.sessions.delete(ref, LONG)
    await storage.log.delete_session(SITE, ref.session_id, LONG)
    await turns.drain(PATIENT)
    assert await storage.log.messages(SITE, ref.session_id, 0, 10) == []
    assert turns.streams(ref.session_id) == []


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


async def test_g3_an_outcome_whose_acknowledgement_was_lost_is_stored_once(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    shaky: Any = Shaky(storage, 2)
    turns = over(shaky, Scripted(answers), Outlet(), PATIENT)
    turns.kick(SITE, ref.session_id)
    await until(lambda: shaky.times == 0, "the append was repeated")
    await turns.drain(PATIENT)
    assert [reply["text"] for reply in await replies(storage, ref)] == ["because"]
