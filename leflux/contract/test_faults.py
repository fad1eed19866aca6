"""G1 to G3 and S11 on a store that dies, freezes or loses its connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from backends import StoreSettings, open_store
from backends.base import SessionStore, Storage
from backends.errors import StorageError, StoreUnavailable
from backends.records import Appended, AuditEntry, Deletion, LogQuery, NewSession, SessionRef
from leflux.contract.fixtures import FaultyStore
from leflux.contract.kit import (
    LONG,
    SITE,
    decoded,
    logged,
    make_draft,
    make_entry,
    make_ref,
    make_task,
    outcomes,
    say,
    started,
    texts,
    until,
)

DEADLINE = 3.0
"""Seconds after which a call to a store that does not answer is given up."""
AT_MOST = 90.0
"""Seconds, on a slow machine, in which calls end that have this deadline."""
WRITERS = 40
ROUNDS = 5


@asynccontextmanager
async def opened(settings: StoreSettings) -> AsyncIterator[Storage]:
    storage = await open_store(settings, log_shares_store=True)
    try:
        yield storage
    finally:
        await storage.close()


Calls = dict[str, Callable[[], Awaitable[object]]]


def every_call(storage: Storage, ref: SessionRef) -> Calls:
    """Each verb of the protocol."""
    return calls_of_sessions(storage.sessions, ref) | calls_of_log(storage) | {"ping": storage.ping}


def calls_of_sessions(sessions: SessionStore, ref: SessionRef) -> Calls:
    return {
        "create": lambda: sessions.create(make_ref(), NewSession()),
        "load": lambda: sessions.load(ref),
        "restore": lambda: sessions.restore(ref, 0, 10),
        "claim": lambda: sessions.claim(ref, "socket", 0, 10),
        "release": lambda: sessions.release(ref, 1),
        "append": lambda: sessions.append(ref, make_draft()),
        "messages": lambda: sessions.messages(ref, 0, 10),
        "set_context": lambda: sessions.set_context(ref, b"{}"),
        "context": lambda: sessions.context(ref),
        "task": lambda: sessions.task(ref),
        "swap_task": lambda: sessions.swap_task(ref, make_task(), 0),
        "lease": lambda: sessions.lease(ref, "worker", 10.0),
        "unlease": lambda: sessions.unlease(ref, "worker"),
        "heartbeat": lambda: sessions.heartbeat("worker", 10.0),
        "delete": lambda: sessions.delete(make_ref(), LONG, bury_absent=True),
        "sweep": lambda: sessions.sweep({SITE: LONG}, 10),
        "active": lambda: sessions.active(),
        "outbox_done": lambda: sessions.outbox_done([make_entry("s-1")]),
        "deletions": lambda: sessions.deletions(10),
        "deletion_done": lambda: sessions.deletion_done(Deletion(SITE, "s-1", LONG)),
    }


def calls_of_log(storage: Storage) -> Calls:
    log, settings = storage.log, storage.settings

    async def export() -> None:
        async for _ in log.export(SITE, None, None):
            pass

    return {
        "log.append": lambda: log.append([make_entry("s-1")]),
        "log.sessions": lambda: log.sessions(SITE, LogQuery(words="hello")),
        "log.session": lambda: log.session(SITE, "s-1"),
        "log.continued_by": lambda: log.continued_by(SITE, "s-1"),
        "log.messages": lambda: log.messages(SITE, "s-1", 0, 10),
        "log.export": export,
        "log.days": lambda: log.days(SITE, 0, 10**12),
        "log.delete_session": lambda: log.delete_session(SITE, "s-1", LONG),
        "log.count_older": lambda: log.count_older(SITE, 0),
        "log.delete_older": lambda: log.delete_older(SITE, 0, 10),
        "settings.get": lambda: settings.get("name"),
        "settings.put": lambda: settings.put("name", b"{}", 0),
        "settings.names": lambda: settings.names(""),
        "settings.remove": lambda: settings.remove("other"),
        "settings.audit": lambda: settings.audit(SITE, AuditEntry("ann", "changed")),
        "settings.audit_trail": lambda: settings.audit_trail(SITE, 10),
    }


async def is_unavailable(storage: Storage, ref: SessionRef) -> None:
    """Every verb says so, within the deadline, and raises nothing of its driver."""
    calls = every_call(storage, ref)
    async with asyncio.timeout(AT_MOST):
        answers = await outcomes([call() for call in calls.values()])
    told = dict(zip(calls, answers, strict=True))
    # How many sessions there are may be a recent estimate (S27), and no line waits where the log shares the store.
    for name in ("active", "outbox_done"):
        told.pop(name)
    assert {name: answer for name, answer in told.items() if not isinstance(answer, StoreUnavailable)} == {}


async def works_again(storage: Storage) -> None:
    async def answers() -> bool:
        try:
            await storage.ping()
        except StoreUnavailable:
            return False
        return True

    await until(answers, "the store answers again")


async def insist(storage: Storage, ref: SessionRef, text: str) -> Appended:
    """Say it under one id until it is acknowledged (G3). Nothing but `StoreUnavailable` may come in between (G1)."""
    draft = make_draft(text, text)
    found: list[Appended] = []

    async def acknowledged() -> bool:
        try:
            found.append(await storage.sessions.append(ref, draft))
        except StoreUnavailable:
            return False
        return True

    await until(acknowledged, f"{text!r} is acknowledged")
    return found[0]


async def holds_each_once(storage: Storage, ref: SessionRef, wanted: list[str]) -> None:
    stored = await texts(storage, ref)
    assert sorted(stored) == sorted(wanted)
    assert await logged(storage, ref) == stored
    bodies = [decoded(body) for body in await storage.sessions.messages(ref, 0, len(wanted) + 1)]
    assert [body["seq"] for body in bodies] == list(range(1, len(wanted) + 1))


async def say_through(storage: Storage, fault: Callable[[], None]) -> None:
    """A fault in the middle of many messages, again and again: each is stored once in the end."""
    ref = await started(storage)
    wanted: list[str] = []
    for number in range(ROUNDS):
        round_ = [f"round {number}, text {writer}" for writer in range(WRITERS)]
        writing = [asyncio.create_task(insist(storage, ref, text)) for text in round_]
        await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(fault)
        for answer in await asyncio.gather(*writing):
            assert answer.seq <= len(wanted) + WRITERS
        wanted += round_
    await holds_each_once(storage, ref, wanted)


async def test_g1_a_store_that_is_dead_is_unavailable_to_every_verb(killable: FaultyStore) -> None:
    async with opened(killable.with_deadline(DEADLINE)) as storage:
        ref = await started(storage)
        await say(storage, ref, "before")
        killable.harness.kill()
        await is_unavailable(storage, ref)
        await asyncio.to_thread(killable.harness.start)
        await works_again(storage)
        assert (await texts(storage, ref))[0] == "before"
        assert (await insist(storage, ref, "after")).created


async def test_g1_a_store_that_is_dead_cannot_be_opened_and_says_so(killable: FaultyStore) -> None:
    killable.harness.kill()
    async with asyncio.timeout(AT_MOST):
        with pytest.raises(StoreUnavailable):
            async with opened(killable.with_deadline(DEADLINE)):
                pytest.fail("it was opened")


async def test_s11_what_is_said_while_the_store_is_killed_is_stored_once(killable: FaultyStore) -> None:
    def restart() -> None:
        killable.harness.kill()
        killable.harness.start()

    async with opened(killable.with_deadline(DEADLINE)) as storage:
        await say_through(storage, restart)


async def test_g2_a_frozen_store_is_unavailable_to_every_verb_within_the_deadline(freezable: FaultyStore) -> None:
    async with opened(freezable.with_deadline(DEADLINE)) as storage:
        ref = await started(storage)
        await say(storage, ref, "before")
        freezable.harness.freeze()
        try:
            await is_unavailable(storage, ref)
        finally:
            freezable.harness.thaw()
        await works_again(storage)
        assert (await insist(storage, ref, "after")).created


async def test_g2_a_frozen_store_cannot_be_opened_and_says_so(freezable: FaultyStore) -> None:
    freezable.harness.freeze()
    try:
        async with asyncio.timeout(AT_MOST):
            with pytest.raises(StoreUnavailable):
                async with opened(freezable.with_deadline(DEADLINE)):
                    pytest.fail("it was opened")
    finally:
        freezable.harness.thaw()


async def test_g3_what_is_said_while_connections_are_cut_is_stored_once(cuttable: FaultyStore) -> None:
    async with opened(cuttable.settings) as storage:
        await say_through(storage, cuttable.harness.cut)


async def test_g1_a_cut_raises_nothing_of_the_driver(cuttable: FaultyStore) -> None:
    async with opened(cuttable.settings) as storage:
        ref = await started(storage)
        for _ in range(ROUNDS):
            calls = [asyncio.ensure_future(call()) for call in every_call(storage, ref).values()]
            await asyncio.sleep(0)
            await asyncio.to_thread(cuttable.harness.cut)
            answers = await outcomes(list(calls))
            foreign = [one for one in answers if isinstance(one, BaseException) and not isinstance(one, StorageError)]
            assert foreign == []
