"""Answering that act, at their failpoints: two processes over one store, and writes that fail between two others."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from backends import open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import Appended, Draft, NewSession, SessionRef
from leflux import protocol
from leflux.agents.base import Agent, AgentEvent, Delta, Done, Plan, PlannedStep, Question
from leflux.chat.policy import Policy
from leflux.protocol import ActionComplete, ActionResult, ActionStarted, SequenceComplete, SequenceResult
from leflux.tasks import planning
from tests.answering_kit import open_answering
from tests.server.conftest import until
from tests.services.config import embedded

POLICY = Policy(client_ttl=60, user_data_ttl=60, idle_ttl=60, task_hold=2, read_only=1)
WAIT = PlannedStep("wait", wait_ms=1, description="Wait a moment")
Script = Callable[[Question], list[AgentEvent]]


class Scripted:
    """An agent that says what it is told to, and counts how often it is asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked = 0

    async def reply(self, turn: Question) -> AsyncGenerator[AgentEvent, None]:
        self.asked += 1
        for event in self._script(turn):
            yield event

    async def close(self) -> None:
        return None


class Emitted:
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None:
        self.events.append((event, payload))

    def of(self, event: str) -> list[Any]:
        return [payload for name, payload in self.events if name == event]


class Process:
    """The parts of one serving process that act, over a store that others share."""

    def __init__(self, storage: Storage, agent: Agent) -> None:
        self.out = Emitted()
        self.service, self.answering = open_answering(
            storage.sessions, agent, self.out, POLICY, 5, lambda _: (1, "http://shop.test/")
        )
        self.tasks = self.service.engine


class Room:
    """A session in a store, and what is stored of it."""

    def __init__(self, storage: Storage, ref: SessionRef) -> None:
        self.storage = storage
        self.ref = ref

    async def say(self, text: str) -> None:
        message = protocol.Message(id=str(uuid4()), role="visitor", text=text)
        draft = Draft(message.id, "visitor", text, msgspec.json.encode(message), str(uuid4()), opens_turn=True)
        await self.storage.sessions.append(self.ref, draft)

    async def told(self) -> list[tuple[str, str]]:
        bodies = await self.storage.sessions.messages(self.ref, 0, 500)
        stored = [msgspec.json.decode(body, type=protocol.StoredMessage) for body in bodies]
        return [(message.role, message.text) for message in stored]

    async def settled(self) -> bool:
        session = await self.storage.sessions.load(self.ref)
        return session.answered >= session.asked

    async def run_plan(self, process: Process, number: int) -> None:
        """Play the page for the `number`-th plan that `process` has sent."""
        await until(lambda: len(process.out.of(protocol.ACTION_PLAN)) >= number, f"plan {number}")
        plan = process.out.of(protocol.ACTION_PLAN)[number - 1]
        task, session = plan["taskId"], self.ref.session_id
        for step in plan["actions"]:
            await process.tasks.started(self.ref, 1, ActionStarted(session, task, step.id))
            await process.tasks.completed(self.ref, 1, ActionComplete(session, step.id, ActionResult(True), task))
        await process.tasks.finished(self.ref, 1, SequenceComplete(session, SequenceResult(True), task))


@pytest.fixture
async def room(tmp_path: Path, backend: str) -> AsyncIterator[Room]:
    storage = await open_storage(embedded(backend, tmp_path / "x.db"))
    ref = SessionRef("shop", str(uuid4()), POLICY.idle_ttl)
    await storage.sessions.create(ref, NewSession())
    await storage.sessions.claim(ref, "socket", 0, 0)
    yield Room(storage, ref)
    await storage.close()


def failing(monkeypatch: pytest.MonkeyPatch, storage: Storage, key: str, times: int) -> None:
    """Appends whose idempotency key starts with `key` fail `times` times, before anything is written."""
    original = storage.sessions.append
    left = times

    async def append(ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        nonlocal left
        if left and (draft.client_message_id or "").startswith(key):
            left -= 1
            raise StoreUnavailable("the failpoint")
        return await original(ref, draft, epoch)

    monkeypatch.setattr(storage.sessions, "append", append)


async def test_a_crash_between_the_task_and_its_reply_is_recovered_without_asking_the_agent_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Scripted(lambda _: [Plan([WAIT], say="I wait.", done="Waited.")])
    first = Process(room.storage, agent)
    await room.say("wait")
    stored = asyncio.Event()
    original = room.storage.sessions.append

    async def dies(ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        stored.set()
        return await asyncio.Event().wait()  # type: ignore[return-value]

    monkeypatch.setattr(room.storage.sessions, "append", dies)
    first.answering.wake("shop", room.ref.session_id)
    await stored.wait()
    first.answering.cancel(room.ref.session_id)
    monkeypatch.setattr(room.storage.sessions, "append", original)
    await first.answering.drain(5)

    second = Process(room.storage, agent)
    second.answering.wake("shop", room.ref.session_id)
    await room.run_plan(second, 1)
    assert agent.asked == 1
    assert first.out.of(protocol.ACTION_PLAN) == []
    assert await room.told() == [("visitor", "wait"), ("assistant", "I wait."), ("assistant", "Waited.")]


async def test_a_crash_between_the_end_and_its_message_is_found_by_the_sweep(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(room.storage, Scripted(lambda _: [Plan([WAIT], say="I wait.", done="Waited.")]))
    await room.say("wait")
    process.answering.wake("shop", room.ref.session_id)
    failing(monkeypatch, room.storage, "~task:", 1)
    with pytest.raises(StoreUnavailable):
        await room.run_plan(process, 1)
    assert process.out.of(protocol.TASK_COMPLETE) == []
    other = Process(room.storage, Scripted(lambda _: []))
    await other.tasks.expire("shop", room.ref.session_id)
    assert len(other.out.of(protocol.TASK_COMPLETE)) == 1
    assert [text for _, text in await room.told()] == ["wait", "I wait.", "Waited."]


async def test_many_processes_end_an_overdue_task_once(room: Room) -> None:
    process = Process(room.storage, Scripted(lambda _: [Plan([WAIT], say="I wait.")]))
    await room.say("wait")
    process.answering.wake("shop", room.ref.session_id)
    await until(lambda: bool(process.out.of(protocol.ACTION_PLAN)), "the plan")
    await process.tasks.hold(room.ref, 1)
    others = [Process(room.storage, Scripted(lambda _: [])) for _ in range(8)]

    async def overdue() -> bool:
        swept = await room.storage.sessions.sweep({"shop": POLICY.idle_ttl}, 10)
        return any(name.session_id == room.ref.session_id for name in swept.overdue)

    await until(overdue, "the store reports the task")
    await asyncio.gather(*(one.tasks.expire("shop", room.ref.session_id) for one in others))
    assert sum(len(one.out.of(protocol.TASK_ABORTED)) for one in others) == 1
    assert len(await room.told()) == 3


async def test_an_agent_that_goes_on_is_asked_again_with_the_results(room: Room) -> None:
    def script(turn: Question) -> list[AgentEvent]:
        if turn.results is None:
            return [Delta("First this."), Plan([WAIT], follow_up=True)]
        if turn.results[0]["description"] == "Wait a moment":
            second = msgspec.structs.replace(WAIT, description="Wait again", wait_ms=2)
            return [Plan([second], say="And this.", follow_up=True)]
        return [Delta("All is done."), Done()]

    process = Process(room.storage, Scripted(script))
    await room.say("go")
    process.answering.wake("shop", room.ref.session_id)
    await room.run_plan(process, 1)
    await room.run_plan(process, 2)
    await until(room.settled, "the last question is answered")
    assert await room.told() == [
        ("visitor", "go"),
        ("assistant", "First this."),
        ("system", "Wait a moment"),
        ("assistant", "And this."),
        ("system", "Wait again"),
        ("assistant", "All is done."),
    ]


async def test_an_agent_that_repeats_itself_is_stopped(room: Room) -> None:
    process = Process(room.storage, Scripted(lambda _: [Plan([WAIT], say="Again.", follow_up=True)]))
    await room.say("go")
    process.answering.wake("shop", room.ref.session_id)
    await room.run_plan(process, 1)
    await until(room.settled, "the chain is broken")
    assert len(process.out.of(protocol.ACTION_PLAN)) == 1
    assert "repeat" in (await room.told())[-1][1]


async def test_an_agent_that_never_comes_to_an_end_is_stopped_after_thirty_plans(room: Room) -> None:
    agent = Scripted(
        lambda turn: [Plan([msgspec.structs.replace(WAIT, wait_ms=agent.asked)], "Go on.", follow_up=True)]
    )
    process = Process(room.storage, agent)
    await room.say("go")
    process.answering.wake("shop", room.ref.session_id)
    for number in range(planning.MAX_PLANS):
        await room.run_plan(process, number + 1)
    await until(room.settled, "the chain is broken")
    assert len(process.out.of(protocol.ACTION_PLAN)) == planning.MAX_PLANS
    assert "more steps" in (await room.told())[-1][1]


async def test_a_report_whose_write_is_unknown_may_be_repeated(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(room.storage, Scripted(lambda _: [Plan([WAIT], say="I wait.", done="Waited.")]))
    await room.say("wait")
    process.answering.wake("shop", room.ref.session_id)
    original = room.storage.sessions.swap_task
    await until(lambda: bool(process.out.of(protocol.ACTION_PLAN)), "the plan")

    async def lost_reply(*arguments: Any, **more: Any) -> Any:
        await original(*arguments, **more)
        monkeypatch.setattr(room.storage.sessions, "swap_task", original)
        raise StoreUnavailable("the reply is lost")

    monkeypatch.setattr(room.storage.sessions, "swap_task", lost_reply)
    plan = process.out.of(protocol.ACTION_PLAN)[0]
    report = ActionStarted(room.ref.session_id, plan["taskId"], plan["actions"][0].id)
    with pytest.raises(StoreUnavailable):
        await process.tasks.started(room.ref, 1, report)
    await process.tasks.started(room.ref, 1, report)
    await room.run_plan(process, 1)
    assert (await room.told())[-1] == ("assistant", "Waited.")


async def test_a_sweep_that_comes_too_late_respects_what_has_happened_since(room: Room) -> None:
    process = Process(room.storage, Scripted(lambda _: [Plan([WAIT], say="I wait.", done="Waited.")]))
    await room.say("wait")
    process.answering.wake("shop", room.ref.session_id)
    await until(lambda: bool(process.out.of(protocol.ACTION_PLAN)), "the plan")
    await process.tasks.hold(room.ref, 1)
    await process.tasks.rejoin(room.ref, 1, "http://shop.test/")
    await process.tasks.expire("shop", room.ref.session_id)
    await room.run_plan(process, 2)
    assert process.out.of(protocol.TASK_ABORTED) == []
    assert (await room.told())[-1] == ("assistant", "Waited.")


async def test_a_new_task_may_begin_when_the_end_of_the_last_one_is_only_decided(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(room.storage, Scripted(lambda _: [Plan([WAIT], say="I wait.", done="Waited.")]))
    await room.say("wait")
    process.answering.wake("shop", room.ref.session_id)
    failing(monkeypatch, room.storage, "~task:", 1)
    with pytest.raises(StoreUnavailable):
        await room.run_plan(process, 1)
    await room.say("wait again")
    process.answering.wake("shop", room.ref.session_id)
    await room.run_plan(process, 2)
    told = [text for _, text in await room.told()]
    assert told == ["wait", "I wait.", "wait again", "Waited.", "I wait.", "Waited."]
