"""Rule S22: eviction of idle sessions, and what a sweep reports."""

import pytest

from backends.base import Storage
from backends.errors import SessionNotFound
from backends.records import SessionName, SessionRef, Swept
from leflux.contract.kit import (
    LONG,
    OTHER_SITE,
    SHORT,
    SITE,
    ask,
    logged,
    make_task,
    say,
    started,
    until,
    until_raises,
)

LONG_AGO = 1_000_000_000_000
FAR_AHEAD = 4_000_000_000_000
RULES = {SITE: LONG, OTHER_SITE: LONG}


def named(ref: SessionRef) -> SessionName:
    return SessionName(ref.site_id, ref.session_id)


async def test_s22_a_sweep_with_nothing_due_does_nothing(storage: Storage) -> None:
    ref = await started(storage)
    assert await storage.sessions.sweep(RULES, 10) == Swept()
    assert (await storage.sessions.load(ref)).session_id == ref.session_id


async def test_s22_an_idle_session_is_evicted_and_reported_once(storage: Storage) -> None:
    idle, kept = await started(storage), await started(storage, OTHER_SITE)
    found: list[SessionName] = []

    async def evicted() -> bool:
        found.extend((await storage.sessions.sweep({SITE: SHORT, OTHER_SITE: LONG}, 10)).evicted)
        return bool(found)

    await until(evicted, "the idle session is evicted")
    assert (await storage.sessions.sweep({SITE: 0.0, OTHER_SITE: LONG}, 10)).evicted == ()
    assert found == [named(idle)]
    with pytest.raises(SessionNotFound):
        await storage.sessions.load(idle)
    assert await storage.sessions.load(kept)
    assert await storage.sessions.active() == 1


async def test_s22_a_sweep_evicts_up_to_its_limit_and_the_next_ones_the_rest(storage: Storage) -> None:
    refs = [await started(storage, site) for site in (SITE, OTHER_SITE) for _ in range(4)]
    found: list[SessionName] = []

    async def all_gone() -> bool:
        evicted = (await storage.sessions.sweep({SITE: SHORT, OTHER_SITE: SHORT}, 3)).evicted
        assert len(evicted) <= 3
        found.extend(evicted)
        return len(found) >= len(refs)

    await until(all_gone, "every session is evicted")
    assert sorted(name.session_id for name in found) == sorted(ref.session_id for ref in refs)


async def test_s22_a_site_without_a_rule_is_left_alone(storage: Storage) -> None:
    """As of a site that was taken out of the configuration."""
    foreign, idle = await started(storage, OTHER_SITE), await started(storage)
    await ask(storage, foreign)
    await storage.sessions.swap_task(foreign, make_task(deadline=LONG_AGO), 0)

    async def evicted() -> bool:
        swept = await storage.sessions.sweep({SITE: SHORT}, 10)
        assert (swept.overdue, swept.orphaned) == ((), ())
        return named(idle) in swept.evicted

    await until(evicted, "the other site's session is evicted")
    assert await storage.sessions.load(foreign)
    assert await storage.sessions.sweep({}, 10) == Swept()


async def test_s22_activity_postpones_the_eviction(storage: Storage) -> None:
    kept, idle = await started(storage), await started(storage)

    async def evicted() -> bool:
        await say(storage, kept, renews=True)
        swept = await storage.sessions.sweep({SITE: 3.0}, 10)
        if named(kept) in swept.evicted:
            pytest.fail("a session with a fresh message was evicted")
        return named(idle) in swept.evicted

    await until(evicted, "only the idle session is evicted")


@pytest.mark.parametrize(
    ("status", "deadline", "due"),
    [
        ("running", LONG_AGO, True),
        ("held", LONG_AGO, True),
        ("done", LONG_AGO, False),
        ("aborted", LONG_AGO, False),
        ("running", FAR_AHEAD, False),
        ("held", None, False),
    ],
)
async def test_s22_a_task_past_its_deadline_is_overdue(
    storage: Storage, status: str, deadline: int | None, due: bool
) -> None:
    ref = await started(storage)
    await storage.sessions.swap_task(ref, make_task(status, deadline), 0)
    expected = (named(ref),) if due else ()
    for _ in range(2):
        assert (await storage.sessions.sweep(RULES, 10)).overdue == expected


async def test_s22_a_task_is_overdue_until_it_is_settled(storage: Storage) -> None:
    ref = await started(storage)
    for version, (status, deadline, due) in enumerate(
        [("held", LONG_AGO, 1), ("running", FAR_AHEAD, 0), ("held", LONG_AGO, 1), ("aborted", LONG_AGO, 0)]
    ):
        await storage.sessions.swap_task(ref, make_task(status, deadline), version)
        assert len((await storage.sessions.sweep(RULES, 10)).overdue) == due


async def test_s22_a_purged_session_is_not_reported(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    await storage.sessions.swap_task(ref, make_task("held", LONG_AGO), 0)
    await storage.sessions.delete(ref, LONG)
    assert await storage.sessions.sweep(RULES, 10) == Swept()


async def test_s22_an_open_turn_without_a_live_lease_is_orphaned(storage: Storage) -> None:
    ref = await started(storage)
    question = await ask(storage, ref)
    assert (await storage.sessions.sweep(RULES, 10)).orphaned == (named(ref),)
    await storage.sessions.lease(ref, "worker", LONG)
    assert (await storage.sessions.sweep(RULES, 10)).orphaned == ()
    await storage.sessions.unlease(ref, "worker")
    assert (await storage.sessions.sweep(RULES, 10)).orphaned == (named(ref),)
    await say(storage, ref, role="assistant", closes_turn=question.seq)
    assert (await storage.sessions.sweep(RULES, 10)).orphaned == ()


async def test_s22_a_turn_is_orphaned_when_its_lease_lapses(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    await storage.sessions.lease(ref, "crashed", SHORT)

    async def orphaned() -> bool:
        return (await storage.sessions.sweep(RULES, 10)).orphaned == (named(ref),)

    await until(orphaned, "the turn is orphaned")


async def after_a_death(storage: Storage) -> Swept:
    """What a sweep reports once heartbeats of `SHORT` seconds have run out, save what it found of the dead."""
    ref = await started(storage)
    question = await ask(storage, ref)
    await storage.sessions.lease(ref, "dead", LONG)
    await storage.sessions.heartbeat("dead", SHORT)

    async def found() -> bool:
        return named(ref) in (await storage.sessions.sweep(RULES, 10)).orphaned

    await until(found, "the dead worker is found")
    await say(storage, ref, role="assistant", closes_turn=question.seq)
    return await storage.sessions.sweep(RULES, 10)


async def test_s28_the_turns_of_a_worker_whose_heartbeat_ran_out_are_orphaned(storage: Storage) -> None:
    held, freed, other = [await started(storage) for _ in range(3)]
    for ref, worker in ((held, "alive"), (freed, "dead"), (other, "unlisted")):
        await ask(storage, ref)
        assert await storage.sessions.lease(ref, worker, LONG) is not None
    await storage.sessions.heartbeat("alive", LONG)
    await storage.sessions.heartbeat("dead", LONG)
    assert (await storage.sessions.sweep(RULES, 10)).orphaned == ()
    await storage.sessions.heartbeat("dead", SHORT)

    async def orphaned() -> bool:
        return (await storage.sessions.sweep(RULES, 10)).orphaned == (named(freed),)

    await until(orphaned, "the dead worker's turn is orphaned")
    session = await storage.sessions.lease(freed, "alive", LONG)
    assert session is not None
    assert session.attempts == 2
    assert (await storage.sessions.sweep(RULES, 10)).orphaned == ()
    assert await storage.sessions.lease(held, "another", LONG) is None


async def test_s28_a_worker_that_left_the_list_keeps_its_leases(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    await storage.sessions.heartbeat("worker", SHORT)
    await storage.sessions.heartbeat("worker", 0.0)
    await storage.sessions.heartbeat("nobody", 0.0)
    await storage.sessions.lease(ref, "worker", LONG)
    assert (await after_a_death(storage)).orphaned == ()


async def test_s28_a_freed_lease_of_a_dead_worker_is_not_taken_from_its_successor(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    await storage.sessions.lease(ref, "first", LONG)
    await storage.sessions.unlease(ref, "first")
    await storage.sessions.lease(ref, "second", LONG)
    await storage.sessions.heartbeat("second", LONG)
    await storage.sessions.heartbeat("first", SHORT)
    assert (await after_a_death(storage)).orphaned == ()
    assert await storage.sessions.lease(ref, "third", LONG) is None


async def test_s22_reports_are_limited(storage: Storage) -> None:
    for _ in range(5):
        ref = await started(storage)
        await ask(storage, ref)
        await storage.sessions.swap_task(ref, make_task("held", LONG_AGO), 0)
    swept = await storage.sessions.sweep(RULES, 3)
    assert (len(set(swept.overdue)), len(set(swept.orphaned))) == (3, 3)


async def test_s22_an_evicted_session_leaves_only_its_undelivered_lines(split_storage: Storage) -> None:
    ref = await started(split_storage)
    await say(split_storage, ref, "not yet delivered", "c-1")
    await split_storage.sessions.swap_task(ref, make_task("held", LONG_AGO), 0)
    await ask(split_storage, ref)

    async def evicted() -> bool:
        return named(ref) in (await split_storage.sessions.sweep({SITE: SHORT}, 10)).evicted

    await until(evicted, "the session is evicted")
    await until_raises(SessionNotFound, lambda: split_storage.sessions.load(ref))
    assert await split_storage.sessions.sweep(RULES, 10) == Swept()
    assert await split_storage.sessions.outbox_size() == 2
    assert await logged(split_storage, ref) == ["not yet delivered", "why?"]
