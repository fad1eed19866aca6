"""S25: a message whose acknowledgement was lost is stored once, also when its session was evicted meanwhile."""

import pytest

from backends.base import Storage
from backends.errors import DuplicateIdConflict, SessionNotFound
from backends.records import Appended, SessionRef
from leflux.contract.harness import Harness
from leflux.contract.kit import LONG, OTHER_SITE, SHORT, SITE, logged, say, started, texts, until

SECRET = "the text of a message"


async def evict(storage: Storage, ref: SessionRef, keys_for: float = LONG) -> None:
    async def is_evicted() -> bool:
        swept = await storage.sessions.sweep({ref.site_id: SHORT}, 50, keys_for)
        return ref.session_id in [name.session_id for name in swept.evicted]

    await until(is_evicted, "the session is evicted")


async def said_then_evicted(storage: Storage) -> tuple[SessionRef, Appended]:
    """An evicted session, and its second message."""
    ref = await started(storage)
    await say(storage, ref, "before", "c-0")
    first = await say(storage, ref, SECRET, "c-1")
    await evict(storage, ref)
    return ref, first


async def continuing(storage: Storage, ref: SessionRef) -> SessionRef:
    return await started(storage, ref.site_id, continues=ref.session_id)


def known(first: Appended, earlier: SessionRef) -> Appended:
    """What a repeat is answered in a session that continues."""
    return Appended(first.id, first.seq, b"", created=False, earlier=earlier.session_id)


async def test_s25_a_repeat_in_the_session_that_continues_gets_the_first_answer(any_storage: Storage) -> None:
    ref, first = await said_then_evicted(any_storage)
    after = await continuing(any_storage, ref)
    for _ in range(2):
        assert await say(any_storage, after, SECRET, "c-1") == known(first, ref)
    assert await texts(any_storage, after) == []
    assert await logged(any_storage, after) == []
    assert await logged(any_storage, ref) == ["before", SECRET]


async def test_s25_a_new_message_of_the_session_that_continues_is_stored(any_storage: Storage) -> None:
    ref, _ = await said_then_evicted(any_storage)
    after = await continuing(any_storage, ref)
    stored = await say(any_storage, after, "more", "c-2", opens_turn=True, renews=True)
    assert (stored.seq, stored.created, stored.earlier) == (1, True, None)
    repeated = await say(any_storage, after, "more", "c-2")
    assert (repeated.id, repeated.body, repeated.created, repeated.earlier) == (stored.id, stored.body, False, None)
    assert await logged(any_storage, after) == ["more"]


async def test_s25_the_same_id_with_another_text_is_refused(storage: Storage) -> None:
    ref, _ = await said_then_evicted(storage)
    after = await continuing(storage, ref)
    with pytest.raises(DuplicateIdConflict):
        await say(storage, after, "another text", "c-1")
    assert await texts(storage, after) == []


async def test_s25_a_repeat_is_recognised_over_several_sessions(storage: Storage) -> None:
    ref, first = await said_then_evicted(storage)
    after = ref
    for _ in range(3):
        after = await continuing(storage, after)
        await evict(storage, after)
    after = await continuing(storage, after)
    assert await say(storage, after, SECRET, "c-1") == known(first, ref)


@pytest.mark.parametrize("idle", [False, True])
async def test_s25_a_session_that_was_not_evicted_yet_knows_its_keys(storage: Storage, idle: bool) -> None:
    ref = await started(storage)
    first = await say(storage, ref, SECRET, "c-1")
    after = await continuing(storage, ref)
    if idle:
        short = SessionRef(SITE, ref.session_id, SHORT)

        async def is_idle() -> bool:
            try:
                await storage.sessions.load(short)
            except SessionNotFound:
                return True
            return False

        await until(is_idle, "the session is idle")
    assert await say(storage, after, SECRET, "c-1") == known(first, ref)


async def test_s25_a_repeat_by_an_older_epoch_is_answered_too(storage: Storage) -> None:
    ref, first = await said_then_evicted(storage)
    after = await continuing(storage, ref)
    await storage.sessions.claim(after, "one", 0, 0)
    await storage.sessions.claim(after, "two", 0, 0)
    assert await say(storage, after, SECRET, "c-1", epoch=1) == known(first, ref)


@pytest.mark.parametrize("continues", [None, "unknown"])
async def test_s25_without_a_predecessor_the_message_is_stored(storage: Storage, continues: str | None) -> None:
    await said_then_evicted(storage)
    after = await started(storage, continues=continues)
    assert (await say(storage, after, SECRET, "c-1")).created


async def test_s25_another_site_does_not_know_the_key(storage: Storage) -> None:
    ref, _ = await said_then_evicted(storage)
    after = await started(storage, OTHER_SITE, continues=ref.session_id)
    assert (await say(storage, after, SECRET, "c-1")).created


async def test_s25_a_key_without_a_fingerprint_belongs_to_its_session_alone(storage: Storage) -> None:
    """Such keys are the server's own, as of the reply to question 1; each session has its own."""
    ref = await started(storage)
    await say(storage, ref, "reply", "reply:1", fingerprint=None)
    live = await continuing(storage, ref)
    assert (await say(storage, live, "reply", "reply:1", fingerprint=None)).created
    await evict(storage, ref)
    after = await continuing(storage, ref)
    assert (await say(storage, after, "reply", "reply:1", fingerprint=None)).created
    assert (await say(storage, after, "reply", "other")).created


async def test_s25_keys_end(storage: Storage) -> None:
    ref = await started(storage)
    await say(storage, ref, SECRET, "c-1")
    await evict(storage, ref, keys_for=SHORT)

    async def is_forgotten() -> bool:
        await storage.sessions.sweep({}, 50)
        return (await say(storage, await continuing(storage, ref), SECRET, "c-1")).created

    await until(is_forgotten, "the keys are forgotten")


@pytest.mark.parametrize("bury_absent", [False, True])
async def test_s25_another_site_cannot_erase_the_keys(storage: Storage, bury_absent: bool) -> None:
    ref, first = await said_then_evicted(storage)
    foreign = SessionRef(OTHER_SITE, ref.session_id, LONG)
    try:
        await storage.sessions.delete(foreign, 60.0, bury_absent)
    except SessionNotFound:
        assert not bury_absent
    assert await say(storage, await continuing(storage, ref), SECRET, "c-1") == known(first, ref)


async def test_s25_a_deletion_erases_the_keys(any_storage: Storage) -> None:
    ref, _ = await said_then_evicted(any_storage)
    await any_storage.sessions.delete(ref, 60.0, bury_absent=True)
    assert (await say(any_storage, await continuing(any_storage, ref), SECRET, "c-1")).created


async def test_s25_an_evicted_session_is_not_there(any_storage: Storage) -> None:
    ref, _ = await said_then_evicted(any_storage)
    before = await any_storage.sessions.active()
    with pytest.raises(SessionNotFound):
        await any_storage.sessions.restore(ref, 0, 10)
    with pytest.raises(SessionNotFound):
        await any_storage.sessions.delete(ref, 60.0)
    assert before == 0


async def test_s25_keys_are_durable(durable: Harness) -> None:
    storage = await durable.open()
    ref, first = await said_then_evicted(storage)
    await storage.close()
    storage = await durable.open()
    assert await say(storage, await continuing(storage, ref), SECRET, "c-1") == known(first, ref)
    await storage.close()
