"""Answering when a lease, the store or a message is lost."""

from typing import Any

import pytest

from backends.base import Storage
from backends.errors import NotOwner, StoreUnavailable
from backends.records import Appended, Draft, Session, SessionRef
from leflux.agents import answering as module
from leflux.agents import leases
from tests.contract.kit import SITE, ask, started
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
    replies,
    settled,
)


class Unleased(Shaky):
    """A store that gives a lease once, and then answers each renewal with the next of `answers`."""

    def __init__(self, storage: Storage, *answers: Exception | None) -> None:
        super().__init__(storage, 0)
        self._answers = list(answers)
        self.leased = 0

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        self.leased += 1
        if self.leased == 1:
            return await self._sessions.lease(ref, worker, seconds)
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer
        return None


@pytest.mark.parametrize("answers", [(StoreUnavailable("away"), None), (NotOwner("another"),)])
async def test_a_worker_that_loses_its_lease_stops_answering(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, answers: tuple[Exception | None, ...]
) -> None:
    monkeypatch.setattr(leases, "LONG_TURN", 0.01)
    monkeypatch.setattr(leases, "RENEW_EVERY", 0.01)
    ref = await started(storage)
    await ask(storage, ref)
    store: Any = Unleased(storage, *answers)
    agent = Scripted(hangs)
    answering = over(store, agent, Visitors(), PATIENT)
    answering.wake(SITE, ref.session_id)
    await until(lambda: agent.calls == 1 and not answering.writes(ref.session_id), "the answer was dropped")
    await answering.drain(PATIENT)
    assert await replies(storage, ref) == []
    assert (await storage.sessions.load(ref)).answered == 0


async def test_a_question_stays_open_when_the_store_goes_away(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STORE_RETRIES", 2)
    ref = await started(storage)
    await ask(storage, ref)
    away: Any = Away(storage)
    answering = over(away, Scripted(answers), Visitors(), PATIENT)
    answering.wake(SITE, ref.session_id)
    await answering.drain(PATIENT)
    assert away.tried == 2
    assert (await storage.sessions.load(ref)).answered == 0


class Away(Shaky):
    """A store that takes no message any more."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage, 0)
        self.tried = 0

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        self.tried += 1
        raise StoreUnavailable("away")


async def test_a_store_that_fails_in_an_unknown_way_ends_one_answering_only(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    store: Any = Unleased(storage)
    store.leased = 1
    store._answers = [KeyError("a fault of the store")]
    answering = over(store, Scripted(answers), Visitors(), PATIENT)
    answering.wake(SITE, ref.session_id)
    await answering.drain(PATIENT)
    assert not answering.writes(ref.session_id)
    again = answering_of(storage, Scripted(answers))
    again.wake(SITE, ref.session_id)
    await settled(storage, ref)
    await again.drain(PATIENT)
    assert len(await replies(storage, ref)) == 1


class Emptied(Shaky):
    """A store that has lost the messages of its sessions."""

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        return []


async def test_an_open_question_without_its_message_is_left_alone(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    store: Any = Emptied(storage, 0)
    agent = Scripted(answers)
    answering = over(store, agent, Visitors(), PATIENT)
    answering.wake(SITE, ref.session_id)
    await answering.drain(PATIENT)
    assert (agent.calls, answering.failed) == (0, 0)


async def test_a_server_that_stops_takes_no_new_question(storage: Storage) -> None:
    agent = Scripted(answers)
    answering = answering_of(storage, agent)
    await answering.drain(PATIENT)
    ref = await started(storage)
    await ask(storage, ref)
    answering.wake(SITE, ref.session_id)
    await answering.drain(PATIENT)
    assert agent.calls == 0
