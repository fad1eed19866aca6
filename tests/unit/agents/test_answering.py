"""Answering: each question ends in exactly one stored outcome, whatever the agent and the process do."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from backends.base import Storage
from leflux import protocol
from leflux.agents.answering import MAX_ATTEMPTS
from leflux.agents.base import AgentEvent, Question
from leflux.agents.echo import EchoAgent
from tests.contract.kit import LONG, SHORT, SITE, ask, started
from tests.services.wait import until
from tests.unit.agents.kit import (
    PATIENT,
    Scripted,
    Shaky,
    Visitors,
    answering_of,
    answers,
    hangs,
    over,
    raises,
    replies,
    settled,
)


async def test_an_answer_is_streamed_stored_once_and_announced(storage: Storage) -> None:
    visitors = Visitors()
    answering = answering_of(storage, Scripted(answers), visitors=visitors)
    ref = await started(storage)
    await ask(storage, ref)
    answering.wake(SITE, ref.session_id)
    await settled(storage, ref)
    await answering.drain(PATIENT)
    [reply] = await replies(storage, ref)
    assert (reply["text"], reply["data"], reply.get("kind")) == ("because", {"sources": ["/a"]}, None)
    assert [event for event, _ in visitors.events] == [protocol.MESSAGE_CHUNK, protocol.MESSAGE_DONE]
    assert answering.streams(ref.session_id) == []


@pytest.mark.parametrize(("reply", "deadline"), [(hangs, 0.2), (raises, PATIENT)])
async def test_an_agent_that_hangs_or_raises_yields_one_error_message(
    storage: Storage, reply: Callable[[Question], AsyncGenerator[AgentEvent, None]], deadline: float
) -> None:
    agent = Scripted(reply)
    answering = answering_of(storage, agent, deadline)
    ref = await started(storage)
    await ask(storage, ref)
    answering.wake(SITE, ref.session_id)
    await settled(storage, ref)
    await answering.drain(PATIENT)
    [message] = await replies(storage, ref)
    assert message["kind"] == "error"
    assert "fault of the agent" not in message["text"]
    assert (agent.calls, answering.failed, answering.finished) == (1, 1, 0)


async def test_each_of_several_questions_gets_one_answer_in_order(storage: Storage) -> None:
    answering = answering_of(storage, EchoAgent())
    ref = await started(storage)
    for number in range(5):
        await ask(storage, ref, f"question {number}")
        answering.wake(SITE, ref.session_id)
    await settled(storage, ref)
    await answering.drain(PATIENT)
    assert [reply["text"] for reply in await replies(storage, ref)] == [f"echo: question {n}" for n in range(5)]


async def test_ten_workers_that_are_kicked_at_once_give_one_outcome(storage: Storage) -> None:
    agent = Scripted(answers)
    workers = [answering_of(storage, agent) for _ in range(10)]
    ref = await started(storage)
    await ask(storage, ref)
    for worker in workers * 3:
        worker.wake(SITE, ref.session_id)
    await settled(storage, ref)
    for worker in workers:
        await worker.drain(PATIENT)
    assert len(await replies(storage, ref)) == 1
    assert agent.calls == 1


async def test_another_worker_takes_up_the_turn_of_one_that_crashed(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    assert await storage.sessions.lease(ref, "crashed", SHORT) is not None
    answering = answering_of(storage, Scripted(answers))

    async def answered() -> bool:
        answering.wake(SITE, ref.session_id)
        return bool(await replies(storage, ref))

    await until(answered, "the turn is taken up")
    await answering.drain(PATIENT)
    assert len(await replies(storage, ref)) == 1


async def test_a_turn_that_was_interrupted_too_often_ends_in_an_error(storage: Storage) -> None:
    """So that one question which kills its process cannot do so for ever."""
    ref = await started(storage)
    await ask(storage, ref)
    for number in range(MAX_ATTEMPTS):
        assert await storage.sessions.lease(ref, f"crashed {number}", 0.0) is not None
    agent = Scripted(answers)
    answering = answering_of(storage, agent)
    answering.wake(SITE, ref.session_id)
    await settled(storage, ref)
    [message] = await replies(storage, ref)
    assert (message["kind"], agent.calls) == ("error", 0)
    await answering.drain(PATIENT)


async def test_draining_hands_back_what_does_not_end_in_time(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    leaving = answering_of(storage, Scripted(hangs))
    leaving.wake(SITE, ref.session_id)
    await until(lambda: bool(leaving.streams(ref.session_id)), "the reply is being written")
    await leaving.drain(0.0)
    assert await replies(storage, ref) == []
    leaving.wake(SITE, ref.session_id)
    following = answering_of(storage, Scripted(answers))
    following.wake(SITE, ref.session_id)
    await settled(storage, ref)
    assert [reply["text"] for reply in await replies(storage, ref)] == ["because"]
    await following.drain(PATIENT)


async def test_a_purge_during_the_answer_leaves_nothing_behind(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    answering = answering_of(storage, Scripted(hangs), deadline=0.3)
    answering.wake(SITE, ref.session_id)
    await until(lambda: bool(answering.streams(ref.session_id)), "the reply is being written")
    await storage.sessions.delete(ref, LONG)
    await storage.log.delete_session(SITE, ref.session_id, LONG)
    await answering.drain(PATIENT)
    assert await storage.log.messages(SITE, ref.session_id, 0, 10) == []
    assert answering.streams(ref.session_id) == []


async def test_g3_an_outcome_whose_acknowledgement_was_lost_is_stored_once(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    shaky: Any = Shaky(storage, 2)
    answering = over(shaky, Scripted(answers), Visitors(), PATIENT)
    answering.wake(SITE, ref.session_id)
    await until(lambda: shaky.times == 0, "the append was repeated")
    await answering.drain(PATIENT)
    assert [reply["text"] for reply in await replies(storage, ref)] == ["because"]
