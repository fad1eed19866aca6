"""The slow timer: what is due is done, a failing store slows it down, nothing stops it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from backends import StoreSettings, open_store
from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import LogEntry, Task
from backends.split import SplitStorage
from leflux.runtime.sweeper import Sweeper
from tests.contract.kit import LONG, SITE, ask, say, started
from tests.services.wait import until


class Woken:
    """Stands for `Answering` and `TaskEngine`, which have tests of their own."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.overdue: list[tuple[str, str]] = []

    async def expire(self, site_id: str, session_id: str) -> None:
        self.overdue.append((site_id, session_id))

    def wake(self, site_id: str, session_id: str) -> None:
        self.calls.append((site_id, session_id))


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    """The log in another store."""
    storage = SplitStorage(
        await open_store(StoreSettings(), log_shares_store=False),
        await open_store(StoreSettings(), log_shares_store=True),
    )
    yield storage
    await storage.close()


class Rules:
    def __init__(self, idle_ttl: float) -> None:
        self._idle_ttl = idle_ttl

    def idle_ttls(self) -> dict[str, float]:
        return {SITE: self._idle_ttl}

    def longest_client_ttl(self) -> float:
        return LONG


def sweeper_of(storage: Any, answering: Woken, expired: list[str], idle_ttl: float = LONG) -> Sweeper:
    async def tell(session_id: str) -> None:
        expired.append(session_id)

    typed: Any = answering
    return Sweeper(
        storage=storage,
        rules=Rules(idle_ttl),
        answering=typed,
        tasks=typed,
        expired=tell,
        interval=0.02,
    )


async def test_an_idle_session_is_evicted_and_its_socket_told(storage: Storage) -> None:
    ref = await started(storage)
    expired: list[str] = []
    await sweeper_of(storage, Woken(), expired, idle_ttl=0.0).sweep()
    assert expired == [ref.session_id]
    assert await storage.sessions.active() == 0


async def test_a_message_of_an_evicted_session_is_recognised_in_the_next(storage: Storage) -> None:
    ref = await started(storage)
    first = await say(storage, ref, "sent twice", "c-1")
    await sweeper_of(storage, Woken(), [], idle_ttl=0.0).sweep()
    after = await started(storage, continues=ref.session_id)
    assert (await say(storage, after, "sent twice", "c-1")).id == first.id


@pytest.mark.parametrize("shared", [True, False])
async def test_an_accepted_deletion_is_carried_to_the_log(storage: Storage, shared: bool) -> None:
    if shared:
        storage = await open_store(StoreSettings(), log_shares_store=True)
    ref = await started(storage)
    await say(storage, ref, "to be erased")
    await storage.sessions.delete(ref, LONG)
    sweeper = sweeper_of(storage, Woken(), [])
    sweeper.start()

    async def carried() -> bool:
        return await storage.sessions.deletions(1) == []

    await until(carried, "the deletion is confirmed")
    await sweeper.stop()
    assert await storage.log.messages(SITE, ref.session_id, 0, 10) == []


async def test_a_question_that_nobody_answers_is_taken_up(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    answering = Woken()
    await sweeper_of(storage, answering, []).sweep()
    assert answering.calls == [(SITE, ref.session_id)]


async def test_a_task_whose_deadline_has_passed_is_expired(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.swap_task(ref, Task("t", "held", b"{}", deadline=1), 0)
    kicked = Woken()
    await sweeper_of(storage, kicked, []).sweep()
    assert kicked.overdue == [(SITE, ref.session_id)]


async def test_waiting_lines_are_delivered_once(storage: Storage) -> None:
    ref = await started(storage)
    for number in range(250):
        await say(storage, ref, f"text {number}")
    sweeper = sweeper_of(storage, Woken(), [])
    sweeper.start()

    async def delivered() -> bool:
        return await storage.sessions.outbox_size() == 0

    await until(delivered, "the outbox is empty")
    await sweeper.stop()
    assert len(await storage.log.messages(SITE, ref.session_id, 0, 1000)) == 250


class _Failing:
    """A log that refuses, or breaks, the first two deliveries."""

    def __init__(self, log: Any, error: Exception) -> None:
        self._log = log
        self._error = error
        self.refusals = 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, entries: Sequence[LogEntry]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self._error
        await self._log.append(entries)


async def test_a_log_that_is_down_delays_the_lines_and_loses_none(storage: Storage) -> None:
    ref = await started(storage)
    await say(storage, ref, "kept")
    unstable: Any = storage
    unstable.log = failing = _Failing(storage.log, StoreUnavailable("down"))
    expired: list[str] = []
    sweeper = sweeper_of(storage, Woken(), expired)
    sweeper.start()

    async def delivered() -> bool:
        return bool(await storage.log.messages(SITE, ref.session_id, 0, 10))

    await until(delivered, "the line is delivered after the log came back")
    await sweeper.stop()
    assert failing.refusals == 0
    assert await storage.sessions.outbox_size() == 0


async def test_stopping_ends_every_job_and_may_be_repeated(storage: Storage) -> None:
    sweeper = sweeper_of(storage, Woken(), [])
    await sweeper.stop()
    sweeper.start()
    await sweeper.stop()
    await sweeper.stop()


class _Picky:
    """A log that can never take lines with a certain text."""

    def __init__(self, log: Any, refused: str) -> None:
        self._log = log
        self._refused = refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def append(self, entries: Sequence[LogEntry]) -> None:
        if any(entry.text == self._refused for entry in entries):
            raise ValueError("cannot be stored")
        await self._log.append(entries)


async def test_a_line_that_the_log_can_never_take_holds_up_no_other(storage: Storage) -> None:
    ref = await started(storage)
    for text in ("one", "poison", "two"):
        await say(storage, ref, text)
    unstable: Any = storage
    unstable.log = _Picky(storage.log, "poison")
    assert await sweeper_of(storage, Woken(), []).drain() is False
    assert len(await storage.log.messages(SITE, ref.session_id, 0, 10)) == 2
    assert [entry.text for entry in await storage.sessions.outbox(10)] == ["poison"]
