"""A conversation is erased from session store and log, or the rest is carried on when the log is back."""

from collections.abc import Callable
from typing import Any

import pytest

from backends.base import Storage
from backends.errors import SessionDeleted, SessionNotFound, StoreUnavailable
from backends.records import Erased, LogEntry, SessionRef
from backends.split import SplitStorage
from leflux.chat.erasure import Erasing, carry_deletions, erase
from leflux.contract.harness import Harness
from leflux.contract.kit import LONG, SHORT, drain, make_ref, say, started, until

TOMBSTONE = 3600.0


class _Away:
    """A log that does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: object) -> None:
            raise StoreUnavailable("away")

        return call


class _AwayStorage:
    """The storage while its log is away."""

    log_shares_store = False

    def __init__(self, storage: Storage) -> None:
        self.sessions = storage.sessions
        self.log: Any = _Away()


async def logged_bodies(storage: Storage, ref: SessionRef) -> list[bytes]:
    return await storage.log.messages(ref.site_id, ref.session_id, 0, 100)


async def prepared(storage: Storage, kind: str) -> SessionRef:
    """A conversation of three messages: live, evicted with one line on its way, or known to the log alone."""
    ref = await started(storage)
    for text in ("one", "two"):
        await say(storage, ref, text)
    await drain(storage)
    await say(storage, ref, "three")
    if kind == "live":
        return ref

    async def evicted() -> bool:
        return bool((await storage.sessions.sweep({ref.site_id: SHORT}, 50, LONG)).evicted)

    await until(evicted, "the session is evicted")
    if kind == "logged":
        await drain(storage)
    return ref


KINDS = {"live": Erased(1, 3, 0), "evicted": Erased(), "logged": Erased()}


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_is_erased_and_counted_once(any_storage: Storage, kind: str) -> None:
    ref = await prepared(any_storage, kind)
    erasing = await erase(any_storage, ref, TOMBSTONE)
    assert (erasing.erased.sessions, erasing.erased.messages) == (KINDS[kind].sessions, KINDS[kind].messages)
    assert (erasing.logged, erasing.pending) == (3, False)
    assert await any_storage.sessions.deletions(10) == []
    assert await any_storage.sessions.outbox(10) == []
    assert await logged_bodies(any_storage, ref) == []
    with pytest.raises(SessionNotFound):
        await erase(any_storage, ref, TOMBSTONE)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_deletion_is_accepted_while_the_log_is_away_and_carried_on(split_storage: Storage, kind: str) -> None:
    away: Any = _AwayStorage(split_storage)
    ref = await prepared(split_storage, kind)
    for _ in range(3):
        assert (await erase(away, ref, TOMBSTONE)).pending
        with pytest.raises(SessionDeleted):
            await split_storage.sessions.load(ref)
    with pytest.raises(StoreUnavailable):
        await carry_deletions(away, 10)
    assert await logged_bodies(split_storage, ref)
    assert not await carry_deletions(split_storage, 10)
    assert await logged_bodies(split_storage, ref) == []
    assert await split_storage.sessions.deletions(10) == []
    for storage in (away, split_storage):
        with pytest.raises(SessionNotFound):
            await erase(storage, ref, TOMBSTONE)


async def test_a_repeat_does_what_is_left(split_storage: Storage) -> None:
    away: Any = _AwayStorage(split_storage)
    ref = await prepared(split_storage, "live")
    assert (await erase(away, ref, TOMBSTONE)).pending
    assert await erase(split_storage, ref, TOMBSTONE) == Erasing(Erased(), logged=2)


async def test_a_line_that_arrives_late_stays_out_of_the_log(split_storage: Storage) -> None:
    """It was read from the outbox before the deletion, and is delivered after it."""
    ref = await prepared(split_storage, "live")
    late: list[LogEntry] = await split_storage.sessions.outbox(10)
    await erase(split_storage, ref, TOMBSTONE)
    await split_storage.log.append(late)
    assert await logged_bodies(split_storage, ref) == []


async def test_an_unknown_session_is_not_found(any_storage: Storage) -> None:
    with pytest.raises(SessionNotFound):
        await erase(any_storage, make_ref(), TOMBSTONE)
    assert await any_storage.sessions.deletions(10) == []


async def test_many_deletions_are_carried_in_steps(split_storage: Storage) -> None:
    away: Any = _AwayStorage(split_storage)
    for _ in range(5):
        assert (await erase(away, make_ref(), TOMBSTONE)).pending
    assert await carry_deletions(split_storage, 3)
    assert not await carry_deletions(split_storage, 3)
    assert await split_storage.sessions.deletions(10) == []


async def test_a_deletion_is_carried_by_the_next_process(durable: Harness) -> None:
    storage = await durable.open_split()
    ref = await prepared(storage, "logged")
    away: Any = _AwayStorage(storage)
    assert (await erase(away, ref, TOMBSTONE)).pending
    await storage.close()
    storage = await durable.open_split()
    assert isinstance(storage, SplitStorage)
    await carry_deletions(storage, 10)
    assert await logged_bodies(storage, ref) == []
    await storage.close()
