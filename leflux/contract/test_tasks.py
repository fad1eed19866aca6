"""Rules S12, S18 and S19: the task's compare-and-set, and the lease on the open turn."""

import pytest
from msgspec.structs import replace

from backends.base import Storage
from backends.errors import VersionConflict
from leflux.contract.kit import SHORT, ask, make_ref, make_task, say, started, until


async def test_s18_a_task_is_replaced_version_by_version(storage: Storage) -> None:
    ref = await started(storage)
    assert await storage.sessions.task(ref) is None
    for version, status in enumerate(["running", "held", "done", "aborted"], start=1):
        task = make_task(status, deadline=1_900_000_000_000 + version)
        stored = await storage.sessions.swap_task(ref, task, version - 1)
        assert stored == replace(task, version=version)
        assert await storage.sessions.task(ref) == stored


@pytest.mark.parametrize("expect", [0, 1, 3])
async def test_s18_a_writer_that_expects_another_version_is_told_the_stored_one(storage: Storage, expect: int) -> None:
    ref = await started(storage)
    await storage.sessions.swap_task(ref, make_task(), 0)
    stored = await storage.sessions.swap_task(ref, make_task("held", 1_900_000_000_000), 1)
    with pytest.raises(VersionConflict) as refused:
        await storage.sessions.swap_task(ref, make_task("done"), expect)
    assert refused.value.current == 2
    assert await storage.sessions.task(ref) == stored


async def test_s18_the_first_task_expects_version_0(storage: Storage) -> None:
    ref = await started(storage)
    with pytest.raises(VersionConflict) as refused:
        await storage.sessions.swap_task(ref, make_task(), 1)
    assert refused.value.current == 0
    assert await storage.sessions.task(ref) is None


async def test_s18_a_new_task_follows_a_finished_one(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.swap_task(ref, make_task("done"), 0)
    second = await storage.sessions.swap_task(ref, make_task(task_id="task-2"), 1)
    assert second.task_id == "task-2"
    assert await storage.sessions.task(ref) == second


async def test_s12_only_a_renewing_swap_is_activity(storage: Storage) -> None:
    ref = await started(storage)
    created = await storage.sessions.load(ref)
    version = 0

    async def renewed() -> bool:
        nonlocal version
        await storage.sessions.swap_task(ref, make_task(), version)
        assert (await storage.sessions.load(ref)).last_activity == created.last_activity
        version += 1
        await say(storage, ref)
        now = await _ts(storage)
        if now <= created.last_activity:
            return False
        await storage.sessions.swap_task(ref, make_task(), version, renews=True)
        return (await storage.sessions.load(ref)).last_activity > created.last_activity

    await until(renewed, "a renewing swap moves last_activity")


async def _ts(storage: Storage) -> int:
    """The store's own time, told by a session that is made now."""
    return (await storage.sessions.load(await started(storage))).created_at


async def test_s19_without_an_open_turn_there_is_nothing_to_lease(storage: Storage) -> None:
    ref = await started(storage)
    assert await storage.sessions.lease(ref, "worker", 60.0) is None
    question = await ask(storage, ref)
    await say(storage, ref, role="assistant", closes_turn=question.seq)
    assert await storage.sessions.lease(ref, "worker", 60.0) is None


async def test_s19_one_worker_holds_the_lease_and_renewing_counts_no_attempt(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    for _ in range(3):
        session = await storage.sessions.lease(ref, "worker", 60.0)
        assert session is not None
        assert (session.attempts, session.asked) == (1, 1)
        assert await storage.sessions.lease(ref, "another", 60.0) is None
    assert (await storage.sessions.load(ref)).attempts == 1


async def test_s19_a_lease_lapses_and_each_taker_counts_an_attempt(storage: Storage) -> None:
    """A worker that crashed is followed by another one, and at last the turn is given up by its count."""
    ref = await started(storage)
    await ask(storage, ref)
    for attempt, worker in enumerate(["first", "second", "third"], start=1):

        async def taken(worker: str = worker, attempt: int = attempt) -> bool:
            session = await storage.sessions.lease(ref, worker, SHORT)
            return session is not None and session.attempts == attempt

        await until(taken, f"{worker} gets the lease")


async def test_s19_a_lease_that_was_given_back_is_free(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    await storage.sessions.lease(ref, "worker", 60.0)
    await storage.sessions.unlease(ref, "another")
    assert await storage.sessions.lease(ref, "another", 60.0) is None
    await storage.sessions.unlease(ref, "worker")
    session = await storage.sessions.lease(ref, "another", 60.0)
    assert session is not None
    assert session.attempts == 2


async def test_s19_giving_a_lease_back_never_raises_for_a_session_that_is_gone(storage: Storage) -> None:
    await storage.sessions.unlease(make_ref(), "worker")
    ref = await started(storage)
    await storage.sessions.delete(ref, 60.0)
    await storage.sessions.unlease(ref, "worker")
