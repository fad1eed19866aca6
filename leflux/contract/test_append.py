"""Rules S9 to S16: one atomic step stores a message."""

import pytest
from msgspec.structs import replace

from backends.base import Storage
from backends.errors import DuplicateIdConflict, NotOwner, SessionNotFound
from leflux.contract.kit import (
    SHORT,
    ask,
    decoded,
    drain,
    logged,
    make_draft,
    make_entry,
    say,
    started,
    texts,
    until,
    until_raises,
)


async def test_s9_seq_counts_from_one_and_ts_never_runs_backwards(storage: Storage) -> None:
    ref = await started(storage)
    stored = [await say(storage, ref, f"text {number}") for number in range(1, 21)]
    assert [one.seq for one in stored] == list(range(1, 21))
    assert all(one.created for one in stored)
    stamps = [decoded(one.body)["ts"] for one in stored]
    assert stamps == sorted(stamps)
    assert stamps[0] >= (await storage.sessions.load(ref)).created_at


async def test_s9_the_body_gets_seq_and_ts_in_front_and_is_kept_byte_for_byte(storage: Storage) -> None:
    ref = await started(storage)
    draft = make_draft('schräg "quoted" \u2028 \U0001f9ed')
    stored = await storage.sessions.append(ref, draft)
    ts = decoded(stored.body)["ts"]
    assert stored.id == draft.id
    assert stored.body == b'{"seq":1,"ts":%d,' % ts + draft.body[1:]
    assert await storage.sessions.messages(ref, 0, 10) == [stored.body]


@pytest.mark.parametrize("fingerprint", ["same", None])
async def test_s10_a_repeat_returns_the_first_message_and_changes_nothing(
    storage: Storage, fingerprint: str | None
) -> None:
    ref = await started(storage)
    first = await say(storage, ref, "first", "c-1", fingerprint="same", opens_turn=True, renews=True)
    await say(storage, ref, "between")
    before = await storage.sessions.load(ref)
    repeat = await say(storage, ref, "again", "c-1", fingerprint=fingerprint, opens_turn=True, renews=True)
    assert repeat == replace(first, created=False)
    assert await storage.sessions.load(ref) == before
    assert await texts(storage, ref) == ["first", "between"]
    assert await logged(storage, ref) == ["first", "between"]


async def test_s10_a_known_id_with_another_text_conflicts_and_changes_nothing(storage: Storage) -> None:
    ref = await started(storage)
    await say(storage, ref, "first", "c-1")
    before = await storage.sessions.load(ref)
    with pytest.raises(DuplicateIdConflict):
        await say(storage, ref, "other", "c-1", renews=True)
    assert await storage.sessions.load(ref) == before
    assert await texts(storage, ref) == ["first"]


async def test_s10_an_id_stored_without_a_fingerprint_conflicts_with_every_fingerprint(storage: Storage) -> None:
    ref = await started(storage)
    first = await say(storage, ref, "first", "c-1", fingerprint=None)
    with pytest.raises(DuplicateIdConflict):
        await say(storage, ref, "first", "c-1", fingerprint="some")
    assert (await say(storage, ref, "first", "c-1", fingerprint=None)).seq == first.seq


async def test_s10_a_repeat_answers_an_older_epoch_but_a_new_text_does_not(storage: Storage) -> None:
    ref = await started(storage)
    await storage.sessions.claim(ref, "older", 0, 10)
    first = await say(storage, ref, "first", "c-1", epoch=1)
    await storage.sessions.claim(ref, "newer", 0, 10)
    assert await say(storage, ref, "first", "c-1", epoch=1) == replace(first, created=False)
    with pytest.raises(DuplicateIdConflict):
        await say(storage, ref, "other", "c-1", epoch=1)
    with pytest.raises(NotOwner):
        await say(storage, ref, "new", "c-2", epoch=1)


async def test_s10_one_client_id_in_two_sessions_is_two_messages(storage: Storage) -> None:
    for _ in range(2):
        ref = await started(storage)
        assert (await say(storage, ref, "hello", "c-1")).created


@pytest.mark.parametrize("client_id", ["~reply:1", "a.b:c_d-e", "x" * 64, "__proto__"])
async def test_s10_any_client_id_is_just_a_name(storage: Storage, client_id: str) -> None:
    ref = await started(storage)
    first = await say(storage, ref, "hello", client_id)
    assert await say(storage, ref, "hello", client_id) == replace(first, created=False)


async def test_s12_only_a_renewing_message_is_activity(storage: Storage) -> None:
    ref = await started(storage)
    before = await storage.sessions.load(ref)

    async def renewed() -> bool:
        stored = await say(storage, ref, renews=True)
        session = await storage.sessions.load(ref)
        assert session.last_activity == decoded(stored.body)["ts"]
        return session.last_activity > before.last_activity

    await until(renewed, "a renewing message moves last_activity")
    moved = (await storage.sessions.load(ref)).last_activity
    await until(lambda: _is_later(storage, ref, moved), "time passes")
    assert (await storage.sessions.load(ref)).last_activity == moved


async def _is_later(storage: Storage, ref: object, moment: int) -> bool:
    stored = await say(storage, ref)  # type: ignore[arg-type]
    return bool(decoded(stored.body)["ts"] > moment)


async def test_s12_a_renewing_message_keeps_a_session_alive(storage: Storage) -> None:
    ref = await started(storage)
    short = replace(ref, idle_ttl=SHORT)
    await until_raises(SessionNotFound, lambda: storage.sessions.load(short))
    await say(storage, ref, renews=True)
    session = await storage.sessions.load(ref)
    assert session.last_activity - session.created_at >= SHORT * 1000


async def test_s13_a_turn_is_open_until_its_question_is_closed(storage: Storage) -> None:
    ref = await started(storage)
    question = await ask(storage, ref)
    session = await storage.sessions.load(ref)
    assert (session.asked, session.answered) == (question.seq, 0)
    await say(storage, ref, "a notice", role="system")
    assert (await storage.sessions.load(ref)).asked == question.seq
    await storage.sessions.lease(ref, "worker", 60.0)
    await say(storage, ref, "because", role="assistant", closes_turn=question.seq)
    session = await storage.sessions.load(ref)
    assert (session.asked, session.answered, session.attempts) == (1, 1, 0)


async def test_s13_answering_the_older_of_two_questions_leaves_the_turn_open(storage: Storage) -> None:
    ref = await started(storage)
    first, second = await ask(storage, ref), await ask(storage, ref)
    assert await storage.sessions.lease(ref, "worker", 60.0) is not None
    await say(storage, ref, "one", role="assistant", closes_turn=first.seq)
    session = await storage.sessions.load(ref)
    assert (session.asked, session.answered) == (second.seq, first.seq)
    assert await storage.sessions.lease(ref, "another", 60.0) is None
    await say(storage, ref, "two", role="assistant", closes_turn=second.seq)
    assert (await storage.sessions.load(ref)).answered == second.seq
    await ask(storage, ref)
    assert await storage.sessions.lease(ref, "another", 60.0) is not None


async def test_s13_answered_never_moves_back(storage: Storage) -> None:
    ref = await started(storage)
    first, second = await ask(storage, ref), await ask(storage, ref)
    await say(storage, ref, role="assistant", closes_turn=second.seq)
    await say(storage, ref, role="assistant", closes_turn=first.seq)
    assert (await storage.sessions.load(ref)).answered == second.seq


async def test_s14_a_logged_message_reaches_the_log_with_all_that_is_known(any_storage: Storage) -> None:
    ref = await started(any_storage, visitor_id="v-1", continues="older")
    stored = await say(any_storage, ref, "hello there", "c-1", kind="question")
    await drain(any_storage)
    [line] = [entry async for entry in any_storage.log.export(ref.site_id, None, None)]
    created_at = (await any_storage.sessions.load(ref)).created_at
    assert line == make_entry(
        ref.session_id,
        text="hello there",
        ts=decoded(stored.body)["ts"],
        message_id=stored.id,
        body=stored.body,
        started_at=created_at,
        kind="question",
        visitor_id="v-1",
        continues="older",
    )


async def test_s14_an_unlogged_message_leaves_no_trace_in_outbox_or_log(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await say(any_storage, ref, "secret canary", logged=False)
    assert await any_storage.sessions.outbox(10) == []
    assert await any_storage.sessions.outbox_size() == 0
    assert await logged(any_storage, ref) == []
    assert await any_storage.log.session(ref.site_id, ref.session_id) is None
    assert await texts(any_storage, ref) == ["secret canary"]
    await say(any_storage, ref, "public")
    assert await logged(any_storage, ref) == ["public"]


async def test_s14_a_shared_log_has_the_line_as_soon_as_append_returns(storage: Storage) -> None:
    assert storage.log_shares_store
    ref = await started(storage)
    stored = await say(storage, ref)
    assert await storage.log.messages(ref.site_id, ref.session_id, 0, 10) == [stored.body]
    assert await storage.sessions.outbox_size() == 0


@pytest.mark.parametrize("since", [0, 1, 4, 9, 10, 50])
async def test_s16_messages_pages_through_the_oldest_first(storage: Storage, since: int) -> None:
    ref = await started(storage)
    bodies = [(await say(storage, ref, f"text {number}")).body for number in range(10)]
    assert await storage.sessions.messages(ref, since, 3) == bodies[since : since + 3]
    assert await storage.sessions.messages(ref, since, 100) == bodies[since:]


async def test_a_message_of_many_bytes_is_stored_and_logged(any_storage: Storage) -> None:
    ref = await started(any_storage)
    text = "long" * 1250 + "\U0001f9ed" * 100
    stored = await say(any_storage, ref, text, "c-1")
    assert (await any_storage.sessions.restore(ref, 0, 10)).messages == [stored.body]
    assert await logged(any_storage, ref) == [text]
