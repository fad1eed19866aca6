"""Rules S2, S20, S21, L2 and L6: a purge wins, leaves a tombstone, and harms nobody else."""

import pytest
from msgspec.structs import replace

from backends.base import Storage
from backends.errors import SessionDeleted, SessionExists, SessionNotFound
from backends.records import Erased, LogQuery, NewSession, SessionRef
from leflux.contract.kit import (
    LONG,
    OTHER_SITE,
    SHORT,
    drain,
    logged,
    make_draft,
    make_entry,
    make_ref,
    make_task,
    say,
    started,
    texts,
    until,
    until_raises,
)


async def test_s20_a_purge_erases_everything_and_counts_it(storage: Storage) -> None:
    ref = await started(storage, prior=b"[]")
    await storage.sessions.set_context(ref, b"{}")
    await storage.sessions.swap_task(ref, make_task(), 0)
    for _ in range(3):
        await say(storage, ref)
    assert await storage.sessions.delete(ref, LONG) == Erased(sessions=1, messages=3, tasks=1, outbox=0)
    assert await storage.sessions.active() == 0


async def test_s2_every_verb_answers_a_purged_session_with_session_deleted(storage: Storage) -> None:
    ref = await started(storage)
    await say(storage, ref, "hello", "c-1")
    await storage.sessions.claim(ref, "socket", 0, 10)
    await storage.sessions.delete(ref, LONG)
    await _is_deleted(storage, ref)


async def _is_deleted(storage: Storage, ref: SessionRef) -> None:
    store = storage.sessions
    for call in (
        lambda: store.load(ref),
        lambda: store.restore(ref, 0, 10),
        lambda: store.claim(ref, "socket", 0, 10),
        lambda: store.release(ref, 1),
        lambda: store.append(ref, make_draft("hello", "c-1"), 1),
        lambda: store.append(ref, make_draft()),
        lambda: store.messages(ref, 0, 10),
        lambda: store.set_context(ref, b"{}", 1),
        lambda: store.context(ref),
        lambda: store.task(ref),
        lambda: store.swap_task(ref, make_task(), 0, 1),
        lambda: store.lease(ref, "worker", 10.0),
    ):
        with pytest.raises(SessionDeleted):
            await call()


async def test_s4_a_tombstoned_id_cannot_be_created_again(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.delete(ref, LONG)
    for site in (ref.site_id, OTHER_SITE):
        with pytest.raises(SessionExists):
            await storage.sessions.create(replace(ref, site_id=site), NewSession())
    with pytest.raises(SessionDeleted):
        await storage.sessions.load(ref)


async def test_s2_another_site_does_not_learn_of_the_purge(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.delete(ref, LONG)
    with pytest.raises(SessionNotFound):
        await storage.sessions.load(replace(ref, site_id=OTHER_SITE))


async def test_s20_a_tombstone_ends(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.delete(ref, SHORT)
    await until_raises(SessionNotFound, lambda: storage.sessions.load(ref))


async def test_s20_a_purge_leaves_the_neighbours_alone(any_storage: Storage) -> None:
    ref, neighbour = await started(any_storage), await started(any_storage)
    for one in (ref, neighbour):
        await say(any_storage, one, "hello", "c-1")
        await any_storage.sessions.swap_task(one, make_task(), 0)
    await any_storage.sessions.delete(ref, LONG)
    await any_storage.log.delete_session(ref.site_id, ref.session_id, LONG)
    assert await texts(any_storage, neighbour) == ["hello"]
    assert await any_storage.sessions.task(neighbour) is not None
    assert await logged(any_storage, neighbour) == ["hello"]


async def test_s20_a_purge_erases_the_waiting_log_lines(split_storage: Storage) -> None:
    ref = await started(split_storage)
    for _ in range(3):
        await say(split_storage, ref)
    assert (await split_storage.sessions.delete(ref, LONG)).outbox == 3
    assert await split_storage.sessions.outbox(10) == []
    assert await split_storage.sessions.outbox_size() == 0


@pytest.mark.parametrize("bury_absent", [False, True])
async def test_s21_an_unknown_id_is_buried_only_when_asked(storage: Storage, bury_absent: bool) -> None:
    ref = make_ref()
    if bury_absent:
        assert await storage.sessions.delete(ref, LONG, bury_absent=True) == Erased()
        await _is_deleted(storage, ref)
        with pytest.raises(SessionExists):
            await storage.sessions.create(ref, NewSession())
    else:
        with pytest.raises(SessionNotFound):
            await storage.sessions.delete(ref, LONG)
        await storage.sessions.create(ref, NewSession())


async def test_s20_a_purge_says_which_lines_had_not_left(split_storage: Storage) -> None:
    """A worker has the lines in its hands: two are in the log already, and one of these is done."""
    ref = await started(split_storage)
    for number in range(1, 5):
        await say(split_storage, ref, f"text {number}")
    lines = await split_storage.sessions.outbox(2)
    await split_storage.log.append(lines)
    await split_storage.sessions.outbox_done(lines[:1])
    assert await split_storage.sessions.delete(ref, LONG) == Erased(1, 4, 0, outbox=3, outbox_from=2)
    await split_storage.log.append(lines)
    assert await split_storage.log.delete_session(ref.site_id, ref.session_id, LONG) == 2


async def test_s21_burying_an_evicted_session_erases_its_waiting_log_lines(split_storage: Storage) -> None:
    ref = await started(split_storage)
    await say(split_storage, ref)
    await _evict(split_storage, ref)
    with pytest.raises(SessionNotFound):
        await split_storage.sessions.delete(ref, LONG)
    assert await split_storage.sessions.outbox_size() == 1
    assert await split_storage.sessions.delete(ref, LONG, bury_absent=True) == Erased(outbox=1, outbox_from=1)
    assert await split_storage.sessions.outbox(10) == []


async def _evict(storage: Storage, ref: SessionRef) -> None:
    async def evicted() -> bool:
        swept = await storage.sessions.sweep({ref.site_id: SHORT}, 10)
        return any(name.session_id == ref.session_id for name in swept.evicted)

    await until(evicted, "the session is evicted")


async def test_s21_an_idle_session_that_no_sweep_has_met_stays_buried(storage: Storage) -> None:
    """Also when its site's rule becomes longer afterwards."""
    ref = await started(storage)
    await say(storage, ref)
    idle = replace(ref, idle_ttl=SHORT)
    await until_raises(SessionNotFound, lambda: storage.sessions.load(idle))
    assert (await storage.sessions.delete(idle, LONG, bury_absent=True)).sessions == 0
    await _is_deleted(storage, idle)
    await _is_deleted(storage, ref)
    assert await storage.sessions.active() == 0


@pytest.mark.parametrize("bury_absent", [False, True])
async def test_s1_another_site_cannot_purge(split_storage: Storage, bury_absent: bool) -> None:
    ref = await started(split_storage)
    await say(split_storage, ref, "kept")
    foreign = replace(ref, site_id=OTHER_SITE)
    if bury_absent:
        assert await split_storage.sessions.delete(foreign, LONG, bury_absent=True) == Erased()
    else:
        with pytest.raises(SessionNotFound):
            await split_storage.sessions.delete(foreign, LONG)
    assert await split_storage.log.delete_session(OTHER_SITE, ref.session_id, LONG) == 0
    assert await texts(split_storage, ref) == ["kept"]
    assert await logged(split_storage, ref) == ["kept"]
    assert (await split_storage.sessions.delete(ref, LONG)).sessions == 1


async def test_l2_a_line_of_a_deleted_session_is_dropped_while_its_tombstone_lasts(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1", seq) for seq in (1, 2)])
    assert await storage.log.delete_session("shop", "s-1", LONG) == 2
    await storage.log.append([make_entry("s-1", 2), make_entry("s-1", 3), make_entry("s-2", 1)])
    assert await storage.log.session("shop", "s-1") is None
    assert await storage.log.messages("shop", "s-1", 0, 10) == []
    assert await storage.log.messages("shop", "s-2", 0, 10) != []


async def test_l2_the_tombstone_of_a_session_that_the_log_never_saw_counts(storage: Storage) -> None:
    """A line may still be on its way from the outbox when its session is purged."""
    assert await storage.log.delete_session("shop", "s-1", LONG) == 0
    await storage.log.append([make_entry("s-1")])
    assert await storage.log.session("shop", "s-1") is None


async def test_l2_after_its_tombstone_the_id_is_free(storage: Storage) -> None:
    await storage.log.delete_session("shop", "s-1", SHORT)

    async def stored() -> bool:
        await storage.log.append([make_entry("s-1")])
        return await storage.log.session("shop", "s-1") is not None

    await until(stored, "the tombstone ends")


async def test_l6_nothing_shows_a_deleted_session(any_storage: Storage) -> None:
    refs = [await started(any_storage, visitor_id=f"v-{number}", continues=f"older-{number}") for number in range(2)]
    for ref in refs:
        await say(any_storage, ref, "canary words")
    await drain(any_storage)
    gone, kept = refs
    log = any_storage.log
    assert await log.delete_session(gone.site_id, gone.session_id, LONG) == 1
    for query in (LogQuery(), LogQuery(words="canary"), LogQuery(words="can")):
        page = await log.sessions(gone.site_id, query)
        assert [session.session_id for session in page.sessions] == [kept.session_id]
    assert await log.session(gone.site_id, gone.session_id) is None
    assert await log.messages(gone.site_id, gone.session_id, 0, 10) == []
    assert await log.continued_by(gone.site_id, "older-0") is None
    assert [line.session_id async for line in log.export(gone.site_id, None, None)] == [kept.session_id]
    [day] = await log.days(gone.site_id, 0, 4_000_000_000_000)
    assert (day.sessions, day.messages, day.visitors) == (1, 1, 1)
    count = await log.count_older(gone.site_id, 4_000_000_000_000)
    assert (count.sessions, count.messages) == (1, 1)


async def test_l6_deleting_twice_or_from_another_site_deletes_nothing(storage: Storage) -> None:
    await storage.log.append([make_entry("s-1")])
    assert await storage.log.delete_session(OTHER_SITE, "s-1", LONG) == 0
    assert await storage.log.delete_session("shop", "s-1", LONG) == 1
    assert await storage.log.delete_session("shop", "s-1", LONG) == 0
