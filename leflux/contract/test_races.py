"""A hundred callers at once: S3, S4, S7, S9, S10, S18, S19, S20, K1, L1 and G5, with exact counts."""

import asyncio
from random import Random

import pytest

from backends.base import Storage
from backends.errors import NotOwner, SessionDeleted, SessionExists, SessionNotFound, VersionConflict
from backends.records import Appended, AuditEntry, NewSession, Session, Task, Versioned
from leflux.contract.harness import Harness
from leflux.contract.kit import (
    LONG,
    SITE,
    ask,
    decoded,
    logged,
    make_entry,
    make_ref,
    make_task,
    outcomes,
    say,
    started,
    texts,
)

CALLERS = 100


async def test_s4_of_a_hundred_creators_of_one_id_one_wins(storage: Storage) -> None:
    ref = make_ref()
    answers = await outcomes(
        [storage.sessions.create(ref, NewSession(visitor_id=f"v-{number}")) for number in range(CALLERS)]
    )
    [won] = [answer for answer in answers if isinstance(answer, Session)]
    assert sum(type(answer) is SessionExists for answer in answers) == CALLERS - 1
    assert await storage.sessions.load(ref) == won


async def test_s9_a_hundred_messages_get_the_seqs_1_to_100(any_storage: Storage) -> None:
    ref = await started(any_storage)
    answers = await outcomes([say(any_storage, ref, f"text {n}", f"c-{n}") for n in range(CALLERS)])
    assert sorted(answer.seq for answer in answers) == list(range(1, CALLERS + 1))
    assert all(answer.created for answer in answers)
    bodies = await any_storage.sessions.messages(ref, 0, 1000)
    assert bodies == [answer.body for answer in sorted(answers, key=lambda answer: answer.seq)]
    stamps = [decoded(body)["ts"] for body in bodies]
    assert stamps == sorted(stamps)
    assert await logged(any_storage, ref) == await texts(any_storage, ref)


async def test_s10_one_client_id_sent_a_hundred_times_is_stored_once(any_storage: Storage) -> None:
    ref = await started(any_storage)
    answers = await outcomes([say(any_storage, ref, "once", "c-1", opens_turn=True) for _ in range(CALLERS)])
    assert all(isinstance(answer, Appended) for answer in answers), answers
    assert sum(answer.created for answer in answers) == 1
    assert len({(answer.id, answer.seq, answer.body) for answer in answers}) == 1
    assert await texts(any_storage, ref) == ["once"]
    assert await logged(any_storage, ref) == ["once"]


async def test_s9_a_hundred_sessions_count_each_for_itself(storage: Storage) -> None:
    refs = [await started(storage) for _ in range(20)]
    answers = await outcomes([say(storage, ref, f"text {n}") for n in range(5) for ref in refs])
    assert sorted(answer.seq for answer in answers) == sorted(list(range(1, 6)) * 20)
    for ref in refs:
        assert len(await texts(storage, ref)) == 5


async def test_s7_a_hundred_claims_get_the_epochs_1_to_100_and_the_highest_owns(storage: Storage) -> None:
    ref = await started(storage)
    answers = await outcomes([storage.sessions.claim(ref, f"socket-{n}", 0, 10) for n in range(CALLERS)])
    sessions = [answer.session for answer in answers]
    assert sorted(session.epoch for session in sessions) == list(range(1, CALLERS + 1))
    highest = max(sessions, key=lambda session: session.epoch)
    session = await storage.sessions.load(ref)
    assert (session.epoch, session.holder) == (CALLERS, highest.holder)
    released = await outcomes([storage.sessions.release(ref, epoch) for epoch in range(1, CALLERS + 1)])
    assert released.count(True) == 1


async def test_s3_no_write_of_an_older_epoch_lands_behind_a_claim(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "older", 0, 10)

    async def claim() -> int:
        return (await storage.sessions.claim(ref, "newer", 0, 1000)).session.seq

    writes = [say(storage, ref, f"text {n}", epoch=1) for n in range(CALLERS)]
    answers = await outcomes([*writes[:50], claim(), *writes[50:]])
    seen_by_claim = answers.pop(50)
    stored = [answer for answer in answers if isinstance(answer, Appended)]
    assert sum(type(answer) is NotOwner for answer in answers) == CALLERS - len(stored)
    assert sorted(answer.seq for answer in stored) == list(range(1, seen_by_claim + 1))
    assert (await storage.sessions.load(ref)).seq == seen_by_claim


async def test_s18_of_a_hundred_swaps_with_one_expect_one_wins(storage: Storage) -> None:
    ref = await started(storage)
    for version in range(3):
        answers = await outcomes(
            [storage.sessions.swap_task(ref, make_task(task_id=f"task-{n}"), version) for n in range(CALLERS)]
        )
        [won] = [answer for answer in answers if isinstance(answer, Task)]
        conflicts = [answer for answer in answers if isinstance(answer, VersionConflict)]
        assert {conflict.current for conflict in conflicts} == {version + 1}
        assert len(conflicts) == CALLERS - 1
        assert await storage.sessions.task(ref) == won


async def test_s19_of_a_hundred_workers_one_gets_the_lease(storage: Storage) -> None:
    ref = await started(storage)
    await ask(storage, ref)
    answers = await outcomes([storage.sessions.lease(ref, f"worker-{n}", LONG) for n in range(CALLERS)])
    [held] = [answer for answer in answers if answer is not None]
    assert held.attempts == 1
    assert (await storage.sessions.load(ref)).attempts == 1


async def test_s13_a_hundred_answers_under_one_key_are_one(storage: Storage) -> None:
    ref = await started(storage)
    question = await ask(storage, ref)
    answers = await outcomes(
        [
            say(storage, ref, f"answer {n}", "~reply:1", fingerprint=None, role="assistant", closes_turn=question.seq)
            for n in range(CALLERS)
        ]
    )
    assert sum(answer.created for answer in answers) == 1
    assert {answer.seq for answer in answers} == {2}


async def test_k1_of_a_hundred_puts_with_one_expect_one_wins(storage: Storage) -> None:
    for version in range(2):
        answers = await outcomes([storage.settings.put("name", b"%d" % n, version) for n in range(CALLERS)])
        [won] = [answer for answer in answers if isinstance(answer, Versioned)]
        assert sum(type(answer) is VersionConflict for answer in answers) == CALLERS - 1
        assert await storage.settings.get("name") == won


async def test_k2_a_hundred_audit_lines_are_all_kept(storage: Storage) -> None:
    await outcomes([storage.settings.audit(SITE, AuditEntry("ann", f"action {n}")) for n in range(CALLERS)])
    trail = await storage.settings.audit_trail(SITE, 1000)
    assert sorted(entry.action for entry in trail) == sorted(f"action {n}" for n in range(CALLERS))


async def test_l1_a_hundred_deliveries_of_the_same_lines_leave_one_of_each(storage: Storage) -> None:
    lines = [make_entry("s-1", seq) for seq in (1, 2, 3)]
    await outcomes([storage.log.append(lines) for _ in range(CALLERS)])
    summary = await storage.log.session(SITE, "s-1")
    assert summary is not None
    assert summary.messages == 3
    assert len(await storage.log.messages(SITE, "s-1", 0, 10)) == 3


@pytest.mark.parametrize("at", [0, 50, 99])
async def test_s20_a_purge_in_the_middle_of_a_hundred_writes_wins(any_storage: Storage, at: int) -> None:
    ref = await started(any_storage)
    await any_storage.sessions.claim(ref, "socket", 0, 10)

    async def purge() -> int:
        erased = await any_storage.sessions.delete(ref, LONG)
        await any_storage.log.delete_session(ref.site_id, ref.session_id, LONG)
        return erased.messages

    writes = [say(any_storage, ref, f"text {n}", f"c-{n}", epoch=1) for n in range(CALLERS)]
    answers = await outcomes([*writes[:at], purge(), *writes[at:]])
    erased = answers.pop(at)
    stored = [answer for answer in answers if isinstance(answer, Appended)]
    assert len(stored) == erased
    assert sum(type(answer) is SessionDeleted for answer in answers) == CALLERS - erased
    with pytest.raises(SessionDeleted):
        await any_storage.sessions.load(ref)
    assert await any_storage.sessions.outbox(10) == []
    assert await logged(any_storage, ref) == []


async def test_s20_of_a_hundred_purges_one_erases(storage: Storage) -> None:
    ref = await started(storage)
    answers = await outcomes([storage.sessions.delete(ref, LONG) for _ in range(CALLERS)])
    assert sorted(answer.sessions for answer in answers) == [0] * (CALLERS - 1) + [1]


async def test_s22_sweeps_that_race_evict_each_session_once(storage: Storage) -> None:
    refs = [await started(storage) for _ in range(30)]
    swept = await outcomes([storage.sessions.sweep({SITE: 0.0}, 10) for _ in range(10)])
    evicted = [name.session_id for one in swept for name in one.evicted]
    assert sorted(evicted) == sorted(ref.session_id for ref in refs)
    for ref in refs:
        with pytest.raises(SessionNotFound):
            await storage.sessions.load(ref)


async def test_g5_a_cancelled_call_breaks_nothing_for_the_next_one(any_storage: Storage) -> None:
    """And it may be repeated with the same id, whether it landed or not (G3)."""
    ref = await started(any_storage)
    random = Random(7)
    for number in range(CALLERS):
        call = asyncio.create_task(say(any_storage, ref, f"text {number}", f"c-{number}"))
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    for number in range(CALLERS):
        await say(any_storage, ref, f"text {number}", f"c-{number}")
    bodies = [decoded(body) for body in await any_storage.sessions.messages(ref, 0, 1000)]
    assert [body["seq"] for body in bodies] == list(range(1, CALLERS + 1))
    assert sorted(body["text"] for body in bodies) == sorted(f"text {number}" for number in range(CALLERS))
    assert sorted(await logged(any_storage, ref)) == sorted(body["text"] for body in bodies)
    await any_storage.ping()


async def test_g4_two_openings_of_one_store_race_as_one(shared: Harness) -> None:
    """As two server processes do."""
    first, second = await shared.open(), await shared.open()
    ref = await started(first)
    both = [first, second] * 25
    answers = await outcomes([say(one, ref, f"text {n}", f"c-{n // 2}") for n, one in enumerate(both)])
    conflicts = [answer for answer in answers if not isinstance(answer, Appended)]
    assert len(conflicts) == 25
    claims = await outcomes([one.sessions.claim(ref, f"socket-{n}", 0, 0) for n, one in enumerate(both)])
    assert sorted(claim.session.epoch for claim in claims) == list(range(1, 51))
    assert await first.sessions.load(ref) == await second.sessions.load(ref)
    assert await texts(first, ref) == await texts(second, ref)
    with pytest.raises(NotOwner):
        await say(second, ref, epoch=49)
    await first.sessions.delete(ref, LONG)
    with pytest.raises(SessionDeleted):
        await say(second, ref, epoch=50)
    await first.close()
    await second.close()
