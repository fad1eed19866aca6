"""S26: a deletion is a promise. It is kept until the log has confirmed it, whatever dies in between."""

import pytest

from backends.base import Storage
from backends.errors import SessionDeleted, SessionNotFound
from backends.records import Deletion, Erased, SessionRef
from leflux.contract.harness import Harness
from leflux.contract.kit import LONG, OTHER_SITE, SHORT, make_ref, say, started, until

TOMBSTONE = 60.0


def deletion_of(ref: SessionRef, tombstone: float = TOMBSTONE) -> Deletion:
    return Deletion(ref.site_id, ref.session_id, tombstone)


async def test_s26_a_deletion_is_listed_until_it_is_done(any_storage: Storage) -> None:
    refs = [await started(any_storage) for _ in range(2)]
    await say(any_storage, refs[0])
    for ref in refs:
        await any_storage.sessions.delete(ref, TOMBSTONE)
    listed = await any_storage.sessions.deletions(10)
    assert sorted(listed, key=str) == sorted([deletion_of(ref) for ref in refs], key=str)
    assert len(await any_storage.sessions.deletions(1)) == 1
    await any_storage.sessions.deletion_done(deletion_of(refs[0]))
    assert await any_storage.sessions.deletions(10) == [deletion_of(refs[1])]
    for _ in range(2):
        await any_storage.sessions.deletion_done(deletion_of(refs[1]))
    assert await any_storage.sessions.deletions(10) == []


async def test_s26_a_repeat_is_accepted_until_the_deletion_is_done(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await say(any_storage, ref)
    assert (await any_storage.sessions.delete(ref, TOMBSTONE)).messages == 1
    for bury_absent in (False, True):
        assert await any_storage.sessions.delete(ref, TOMBSTONE, bury_absent) == Erased()
        with pytest.raises(SessionDeleted):
            await any_storage.sessions.load(ref)
    await any_storage.sessions.deletion_done(deletion_of(ref))
    for bury_absent in (False, True):
        with pytest.raises(SessionDeleted):
            await any_storage.sessions.delete(ref, TOMBSTONE, bury_absent)
    assert await any_storage.sessions.deletions(10) == []


async def test_s26_an_absent_session_that_is_buried_is_listed(any_storage: Storage) -> None:
    ref = make_ref()
    await any_storage.sessions.delete(ref, TOMBSTONE, bury_absent=True)
    assert await any_storage.sessions.deletions(10) == [deletion_of(ref)]


async def test_s26_a_refused_deletion_leaves_nothing(any_storage: Storage) -> None:
    ref = await started(any_storage)
    with pytest.raises(SessionNotFound):
        await any_storage.sessions.delete(make_ref(), TOMBSTONE)
    with pytest.raises(SessionNotFound):
        await any_storage.sessions.delete(make_ref(OTHER_SITE, ref.session_id), TOMBSTONE)
    assert await any_storage.sessions.deletions(10) == []


async def test_s26_a_deletion_outlives_its_tombstone_and_the_sweeps(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await any_storage.sessions.delete(ref, SHORT)

    async def has_ended() -> bool:
        await any_storage.sessions.sweep({ref.site_id: LONG}, 50)
        try:
            await any_storage.sessions.load(ref)
        except SessionDeleted:
            return False
        except SessionNotFound:
            return True
        return False

    await until(has_ended, "the tombstone has ended")
    await any_storage.sessions.sweep({ref.site_id: LONG}, 50)
    assert await any_storage.sessions.deletions(10) == [deletion_of(ref, SHORT)]
    await any_storage.sessions.deletion_done(deletion_of(ref, SHORT))
    assert await any_storage.sessions.deletions(10) == []


async def test_s26_a_deletion_is_durable(durable: Harness) -> None:
    storage = await durable.open_split()
    ref = await started(storage)
    await storage.sessions.delete(ref, TOMBSTONE)
    await storage.close()
    storage = await durable.open_split()
    assert await storage.sessions.deletions(10) == [deletion_of(ref)]
    await storage.close()
