"""The slow timer: what is due is done, a failing store slows it down, nothing stops it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from backends import StoreSettings, memory
from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import LogEntry, Task
from backends.split import SplitStorage
from leflux.sweeper import Sweeper
from tests.contract.kit import LONG, SITE, ask, say, started
from tests.services.wait import until


class Kicked:
    """Stands for `Turns` and `Tasks`, whose own tests are in `test_turns` and `test_tasks_turns`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.overdue: list[tuple[str, str]] = []

    async def expire(self, site_id: str, session_id: str) -> None:
        self.overdue.append((site_id, session_id))

    def kick(self, site_id: str, session_id: str) -> None:
        self.calls.append((site_id, session_id))


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    """The log in another store."""
    storage = SplitStorage(
        await memory.open(StoreSettings(), log_shares_store=False),
        await memory.open(StoreSettings(), log_shares_store=True),
    )
    yield storage
    await storage.close()


def sweeper_of(storage: Any, turns: Kicked, expired: list[str], idle_ttl: float = LONG) -> Sweeper:
    async def tell(session_id: str) -> None:
        expired.append(session_id)

    typed: Any = turns
    return Sweeper(storage, lambda: {SITE: idle_ttl}, typed, typed, tell, 0.02)


async def test_an_idle_session_is_evicted_and_its_socket_told(storage: Storage) -> None:
    ref = await started(storage)
    expired: list[str] = []
    await sweeper_of(storage, Kicked(), expired, idle_ttl=0.0).sweep()
    assert expired == [ref.session_id]
    assert await storage.sessions.active() == 0


async def test_a_turn_that_nobody_holds_is_kicked(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    turns = Kicked()
    await sweeper_of(storage, turns, []).sweep()
    assert turns.calls == [(SITE, ref.session_id)]


async def test_a_task_whose_deadline_has_passed_is_expired(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.swap_task(ref, Task("t", "held", b"{}", deadline=1), 0)
    kicked = Kicked()
    await sweeper_of(storage, kicked, []).sweep()
    assert kicked.overdue == [(SITE, ref.session_id)]


async def test_waiting_lines_are_delivered_once(storage: Storage) -> None:
    ref = await started(storage)
    for number in range(250):
        await say(storage, ref, f"text {number}")
    sweeper = sweeper_of(storage, Kicked(), [])
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
    sweeper = sweeper_of(storage, Kicked(), expired)
    sweeper.start()

    async def delivered() -> bool:
        return bool(await storage.log.messages(SITE, ref.session_id, 0, 10))

    await until(delivered, "the line is delivered after the log came back")
    await sweeper.stop()
    assert failing.refusals == 0
    assert await storage.sessions.outbox_size() == 0


async def test_stopping_ends_every_job_and_may_be_repeated(storage: Storage) -> None:
    sweeper = sweeper_of(storage, Kicked(), [])
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
    assert await sweeper_of(storage, Kicked(), []).drain() is False
    assert len(await storage.log.messages(SITE, ref.session_id, 0, 10)) == 2
    assert [entry.text for entry in await storage.sessions.outbox(10)] == ["poison"]
