"""Rules S1 to S8 and S17: create, load, restore, claim, release, page context."""

import pytest
from msgspec.structs import replace

from backends.base import Storage
from backends.errors import NotOwner, SessionExists, SessionNotFound
from backends.records import NewSession
from leflux.contract.kit import OTHER_SITE, SHORT, make_draft, make_ref, make_task, say, started, texts, until_raises


async def test_s4_a_created_session_is_empty_and_loads_as_it_was_made(storage: Storage) -> None:
    ref = make_ref()
    created = await storage.sessions.create(ref, NewSession(visitor_id="v-1", continues="older", prior=b'["x"]'))
    assert (created.session_id, created.site_id) == (ref.session_id, ref.site_id)
    assert (created.seq, created.epoch, created.holder) == (0, 0, None)
    assert (created.asked, created.answered, created.attempts) == (0, 0, 0)
    assert (created.visitor_id, created.continues) == ("v-1", "older")
    assert created.created_at == created.last_activity > 1_600_000_000_000
    assert await storage.sessions.load(ref) == created


async def test_s4_a_taken_id_is_refused_and_nothing_changes(storage: Storage) -> None:
    ref = await started(storage, visitor_id="first")
    await say(storage, ref, "kept")
    for site in (ref.site_id, OTHER_SITE):
        with pytest.raises(SessionExists):
            await storage.sessions.create(replace(ref, site_id=site), NewSession(visitor_id="second", prior=b"[1]"))
    assert (await storage.sessions.load(ref)).visitor_id == "first"
    assert await storage.sessions.context(ref) == (None, None)
    assert await texts(storage, ref) == ["kept"]


async def test_s1_every_verb_finds_no_unknown_session(storage: Storage) -> None:
    await _is_not_found(storage, make_ref())


async def test_s1_every_verb_hides_the_session_of_another_site(storage: Storage) -> None:
    ref = await started(storage)
    await _is_not_found(storage, replace(ref, site_id=OTHER_SITE))
    session = await storage.sessions.load(ref)
    assert (session.seq, session.epoch) == (0, 0)


async def test_s1_every_verb_takes_an_idle_session_for_absent(storage: Storage) -> None:
    ref = replace(await started(storage), idle_ttl=SHORT)
    await until_raises(SessionNotFound, lambda: storage.sessions.load(ref))
    await _is_not_found(storage, ref)


async def _is_not_found(storage: Storage, ref: object) -> None:
    store = storage.sessions
    for call in (
        lambda r: store.load(r),
        lambda r: store.restore(r, 0, 10),
        lambda r: store.claim(r, "socket", 0, 10),
        lambda r: store.release(r, 1),
        lambda r: store.append(r, make_draft()),
        lambda r: store.messages(r, 0, 10),
        lambda r: store.set_context(r, b"{}"),
        lambda r: store.context(r),
        lambda r: store.task(r),
        lambda r: store.swap_task(r, make_task(), 0),
        lambda r: store.lease(r, "worker", 10.0),
        lambda r: store.delete(r, 60.0),
    ):
        with pytest.raises(SessionNotFound):
            await call(ref)
    await store.unlease(ref, "worker")  # type: ignore[arg-type]


async def test_s5_reading_and_joining_are_not_activity(storage: Storage) -> None:
    ref = await started(storage)
    before = (await storage.sessions.load(ref)).last_activity
    for _ in range(3):
        await storage.sessions.load(ref)
        await storage.sessions.restore(ref, 0, 10)
        await storage.sessions.messages(ref, 0, 10)
        await storage.sessions.claim(ref, "socket", 0, 10)
        await storage.sessions.set_context(ref, b"{}")
        await storage.sessions.release(ref, 1)
    assert (await storage.sessions.load(ref)).last_activity == before


async def test_s5_a_session_that_is_only_read_expires(storage: Storage) -> None:
    ref = replace(await started(storage), idle_ttl=SHORT)
    await until_raises(SessionNotFound, lambda: storage.sessions.restore(ref, 0, 10))


@pytest.mark.parametrize(
    ("since", "limit", "seqs"),
    [
        (0, 200, range(1, 8)),
        (0, 3, range(5, 8)),
        (4, 200, range(5, 8)),
        (4, 1, range(7, 8)),
        (6, 200, range(7, 8)),
        (7, 200, range(0)),
        (99, 200, range(0)),
        (0, 0, range(0)),
    ],
)
async def test_s6_restore_gives_the_newest_after_since_without_a_gap(
    storage: Storage, since: int, limit: int, seqs: range
) -> None:
    ref = await started(storage)
    bodies = {seq: (await say(storage, ref, f"text {seq}")).body for seq in range(1, 8)}
    snapshot = await storage.sessions.restore(ref, since, limit)
    assert snapshot.messages == [bodies[seq] for seq in seqs]
    assert snapshot.session == await storage.sessions.load(ref)
    assert (await storage.sessions.claim(ref, "socket", since, limit)).messages == snapshot.messages


async def test_s6_restore_carries_the_task(storage: Storage) -> None:
    ref = await started(storage)
    assert (await storage.sessions.restore(ref, 0, 10)).task is None
    task = await storage.sessions.swap_task(ref, make_task(), 0)
    assert (await storage.sessions.restore(ref, 0, 10)).task == task
    assert (await storage.sessions.claim(ref, "socket", 0, 10)).task == task


async def test_s7_each_claim_raises_the_epoch_and_the_newest_owns(storage: Storage) -> None:
    ref = await started(storage)
    for epoch, owner in enumerate(["a", "b", "a"], start=1):
        session = (await storage.sessions.claim(ref, owner, 0, 10)).session
        assert (session.epoch, session.holder) == (epoch, owner)
        assert await storage.sessions.load(ref) == session


async def test_s7_a_claim_tells_who_owned_before_it_and_has_not_released(storage: Storage) -> None:
    ref = await started(storage)
    assert (await storage.sessions.claim(ref, "a", 0, 10)).taken_from is None
    assert (await storage.sessions.claim(ref, "b", 0, 10)).taken_from == "a"
    await storage.sessions.release(ref, 1)
    assert (await storage.sessions.claim(ref, "c", 0, 10)).taken_from == "b"
    assert (await storage.sessions.restore(ref, 0, 10)).taken_from is None
    await storage.sessions.release(ref, 3)
    assert (await storage.sessions.claim(ref, "d", 0, 10)).taken_from is None


async def test_s8_release_leaves_no_owner_and_keeps_the_epoch(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "a", 0, 10)
    assert await storage.sessions.release(ref, 1) is True
    assert await storage.sessions.release(ref, 1) is False
    session = await storage.sessions.load(ref)
    assert (session.holder, session.epoch) == (None, 1)
    assert (await storage.sessions.claim(ref, "b", 0, 10)).session.epoch == 2


async def test_s8_a_late_release_of_the_older_socket_changes_nothing(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "older", 0, 10)
    await storage.sessions.claim(ref, "newer", 0, 10)
    assert await storage.sessions.release(ref, 1) is False
    session = await storage.sessions.load(ref)
    assert (session.holder, session.epoch) == ("newer", 2)


async def test_s3_a_late_write_of_the_older_socket_is_refused(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "older", 0, 10)
    await say(storage, ref, "before", epoch=1)
    await storage.sessions.claim(ref, "newer", 0, 10)
    with pytest.raises(NotOwner):
        await say(storage, ref, "late", epoch=1)
    with pytest.raises(NotOwner):
        await storage.sessions.set_context(ref, b'{"late":1}', epoch=1)
    with pytest.raises(NotOwner):
        await storage.sessions.swap_task(ref, make_task(), 0, epoch=1)
    assert await texts(storage, ref) == ["before"]
    assert await storage.sessions.context(ref) == (None, None)
    assert await storage.sessions.task(ref) is None


async def test_s3_the_newest_epoch_and_none_may_write(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "a", 0, 10)
    await storage.sessions.claim(ref, "b", 0, 10)
    for number, epoch in enumerate([2, None], start=1):
        assert (await say(storage, ref, epoch=epoch)).seq == number
        await storage.sessions.set_context(ref, b"{}", epoch)
        await storage.sessions.swap_task(ref, make_task(), number - 1, epoch)


async def test_s3_the_epoch_fences_after_its_socket_has_left(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "a", 0, 10)
    await storage.sessions.claim(ref, "b", 0, 10)
    await storage.sessions.release(ref, 2)
    with pytest.raises(NotOwner):
        await say(storage, ref, epoch=1)


async def test_s17_the_last_context_wins_and_prior_stays(storage: Storage) -> None:
    ref = await started(storage, prior=b'[{"role":"visitor","text":"earlier"}]')
    assert await storage.sessions.context(ref) == (None, b'[{"role":"visitor","text":"earlier"}]')
    for context in (b'{"url":"/a"}', b'{"url":"/b","t":"\xc3\xa9"}'):
        await storage.sessions.set_context(ref, context)
        assert await storage.sessions.context(ref) == (context, b'[{"role":"visitor","text":"earlier"}]')


async def test_s17_a_context_of_64_kib_comes_back_whole(storage: Storage) -> None:
    ref = await started(storage)
    context = b'{"t":"' + b"x" * 65_500 + b'"}'
    await storage.sessions.set_context(ref, context)
    assert (await storage.sessions.context(ref))[0] == context


async def test_s27_active_counts_the_stored_sessions(storage: Storage) -> None:
    for _ in range(3):
        await started(storage)
    assert await storage.sessions.active() == 3


async def test_g6_ping_answers_and_g7_closing_twice_is_a_no_op(storage: Storage) -> None:
    await storage.ping()
    await storage.close()
    await storage.close()
