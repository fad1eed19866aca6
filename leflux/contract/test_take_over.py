"""A person of the site takes a session over (S29 to S32)."""

import asyncio
from typing import Any

import msgspec
import pytest

from backends.base import Storage
from backends.errors import DuplicateIdConflict, NotTaken, SessionDeleted, SessionNotFound, SessionTaken
from backends.records import Person, SessionRef, Taking
from leflux.contract.harness import Harness
from leflux.contract.kit import LONG, SHORT, ask, drain, logged, make_ref, outcomes, say, started, texts, until

ANN, BOB = "account-ann", "account-bob"


async def take(storage: Storage, ref: SessionRef, account: str = ANN, silence: float = LONG, **more: Any) -> Taking:
    return await storage.sessions.take(ref, account, account.removeprefix("account-").title(), silence, **more)


async def person(storage: Storage, ref: SessionRef) -> Person | None:
    return (await storage.sessions.load(ref)).person


async def speak(storage: Storage, ref: SessionRef, text: str, account: str = ANN, client_id: str | None = None) -> int:
    more = {"role": "assistant", "kind": "person", "account": account}
    return (await say(storage, ref, text, client_id, **more)).seq


async def test_s29_every_read_says_who_has_the_session(storage: Storage) -> None:
    ref = await started(storage)
    assert await person(storage, ref) is None
    taking = await take(storage, ref)
    assert (taking.person.account, taking.person.name, taking.taken_from, taking.is_new) == (ANN, "Ann", None, True)
    assert taking.person.until - taking.person.since == LONG * 1000
    for session in (
        await storage.sessions.load(ref),
        (await storage.sessions.restore(ref, 0, 10)).session,
        (await storage.sessions.claim(ref, "socket", 0, 10)).session,
    ):
        assert session.person == taking.person


async def test_s29_of_ten_accounts_that_race_one_gets_the_session(storage: Storage) -> None:
    ref = await started(storage)
    results = await outcomes([take(storage, ref, f"account-{number}") for number in range(10)])
    won = [result for result in results if isinstance(result, Taking)]
    lost = [result for result in results if isinstance(result, SessionTaken)]
    assert (len(won), len(lost)) == (1, 9)
    assert {(error.name, error.since) for error in lost} == {(won[0].person.name, won[0].person.since)}


async def test_s29_who_forces_gets_it_and_learns_from_whom(storage: Storage) -> None:
    ref = await started(storage)
    first = (await take(storage, ref)).person
    with pytest.raises(SessionTaken):
        await take(storage, ref, BOB)
    taking = await take(storage, ref, BOB, force=True)
    assert (taking.taken_from, taking.is_new) == (first, True)
    assert await person(storage, ref) == taking.person
    with pytest.raises(NotTaken):
        await speak(storage, ref, "I am still here")


async def test_s29_a_repeat_keeps_since_and_changes_the_name(storage: Storage) -> None:
    ref = await started(storage)
    first = await take(storage, ref)
    again = await storage.sessions.take(ref, ANN, "Ann Smith", LONG)
    assert (again.person.since, again.person.name) == (first.person.since, "Ann Smith")
    assert (again.taken_from, again.is_new) == (None, False)


async def test_s29_taking_is_not_activity(storage: Storage) -> None:
    ref = await started(storage)
    before = await storage.sessions.load(ref)
    await take(storage, ref)
    await speak(storage, ref, "hello")
    assert (await storage.sessions.load(ref)).last_activity == before.last_activity


async def test_s30_an_open_question_is_closed_and_its_late_answer_refused(any_storage: Storage) -> None:
    ref = await started(any_storage)
    asked = await ask(any_storage, ref)
    assert await any_storage.sessions.lease(ref, "worker", LONG) is not None
    taking = await take(any_storage, ref)
    assert await any_storage.sessions.lease(ref, "worker", LONG) is None
    with pytest.raises(SessionTaken) as raised:
        await say(any_storage, ref, "a late answer", "~reply:1", role="assistant", closes_turn=asked.seq)
    assert (raised.value.name, raised.value.since) == ("Ann", taking.person.since)
    assert await any_storage.sessions.hand_back(ref, ANN)
    with pytest.raises(SessionTaken) as raised:
        await say(any_storage, ref, "a later answer", "~reply:1", role="assistant", closes_turn=asked.seq)
    assert raised.value.name == ""
    assert await texts(any_storage, ref) == ["why?"] == await logged(any_storage, ref)


async def test_s30_an_answer_that_landed_before_is_recognised(storage: Storage) -> None:
    ref = await started(storage)
    asked = await ask(storage, ref)
    answer: dict[str, Any] = {"role": "assistant", "closes_turn": asked.seq, "fingerprint": None}
    first = await say(storage, ref, "because", "~reply:1", **answer)
    await take(storage, ref)
    again = await say(storage, ref, "because", "~reply:1", **answer)
    assert (again.id, again.seq, again.created) == (first.id, first.seq, False)


async def test_s30_during_a_take_over_nothing_opens_and_afterwards_it_does(storage: Storage) -> None:
    ref = await started(storage)
    await take(storage, ref)
    for_person = await ask(storage, ref, "for the person")
    assert (await storage.sessions.load(ref)).answered == for_person.seq
    assert await storage.sessions.lease(ref, "worker", LONG) is None
    await storage.sessions.hand_back(ref, ANN)
    assert await storage.sessions.lease(ref, "worker", LONG) is None
    asked = await ask(storage, ref, "for the agent")
    leased = await storage.sessions.lease(ref, "worker", LONG)
    assert leased is not None
    assert (leased.asked, leased.attempts, leased.person) == (asked.seq, 1, None)
    await say(storage, ref, "because", "~reply:2", role="assistant", closes_turn=asked.seq)
    session = await storage.sessions.load(ref)
    assert (session.asked, session.answered) == (2, 2)


async def test_s30_a_take_over_and_an_answer_that_race_agree(storage: Storage) -> None:
    for _ in range(10):
        ref = await started(storage)
        asked = await ask(storage, ref)
        answer = say(storage, ref, "because", "~reply:1", role="assistant", closes_turn=asked.seq)
        taking, answered = await outcomes([take(storage, ref), answer])
        assert isinstance(taking, Taking)
        spoken = await speak(storage, ref, "hello")
        stored = await texts(storage, ref)
        if isinstance(answered, SessionTaken):
            assert stored == ["why?", "hello"]
        else:
            assert (stored, answered.seq < spoken) == (["why?", "because", "hello"], True)


async def test_s31_what_a_person_says_is_stored_once_and_logged(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await take(any_storage, ref)
    results = await outcomes([speak(any_storage, ref, "hello", client_id="~person:1") for _ in range(10)])
    assert set(results) == {1}
    with pytest.raises(DuplicateIdConflict):
        await speak(any_storage, ref, "another text", client_id="~person:1")
    assert await texts(any_storage, ref) == ["hello"] == await logged(any_storage, ref)
    await any_storage.sessions.hand_back(ref, ANN)
    assert await speak(any_storage, ref, "hello", client_id="~person:1") == 1
    with pytest.raises(NotTaken):
        await speak(any_storage, ref, "too late", client_id="~person:2")


async def test_s31_nobody_speaks_who_does_not_have_it(storage: Storage) -> None:
    ref = await started(storage)
    with pytest.raises(NotTaken):
        await speak(storage, ref, "nobody has it")
    await take(storage, ref)
    with pytest.raises(NotTaken):
        await speak(storage, ref, "Ann has it", BOB)
    assert await texts(storage, ref) == []


async def test_s31_silence_frees_the_session(storage: Storage) -> None:
    ref = await started(storage)
    taking = await take(storage, ref, silence=SHORT)

    async def is_free() -> bool:
        return await person(storage, ref) is None

    await until(is_free, "the silence is over")
    with pytest.raises(NotTaken):
        await speak(storage, ref, "too late")
    assert not await storage.sessions.hand_back(ref, ANN)
    await ask(storage, ref)
    assert await storage.sessions.lease(ref, "worker", LONG) is not None
    again = await take(storage, ref, BOB)
    assert (again.taken_from, again.is_new) == (None, True)
    assert again.person.since >= taking.person.until


async def test_s31_speaking_gives_more_time(storage: Storage) -> None:
    ref = await started(storage)
    before = (await take(storage, ref)).person.until

    async def is_later() -> bool:
        await speak(storage, ref, "hello")
        found = await person(storage, ref)
        return found is not None and found.until > before

    await until(is_later, "the time moves")


async def test_s31_an_eviction_ends_it(storage: Storage) -> None:
    ref = await started(storage)
    await take(storage, ref)
    idle = make_ref(session_id=ref.session_id, idle_ttl=0.0)
    with pytest.raises(SessionNotFound):
        await take(storage, idle)
    with pytest.raises(SessionNotFound):
        await storage.sessions.hand_back(idle, ANN)
    swept = await storage.sessions.sweep({ref.site_id: 0.0}, 10)
    assert [name.session_id for name in swept.evicted] == [ref.session_id]
    with pytest.raises(SessionNotFound):
        await speak(storage, ref, "too late")


async def test_s31_a_deletion_ends_it(any_storage: Storage) -> None:
    ref = await started(any_storage)
    await take(any_storage, ref)
    results = await asyncio.gather(
        *(speak(any_storage, ref, f"message {number}") for number in range(5)),
        any_storage.sessions.delete(ref, LONG),
        return_exceptions=True,
    )
    assert all(isinstance(result, int | SessionDeleted) or type(result).__name__ == "Erased" for result in results)
    for call in (take(any_storage, ref), any_storage.sessions.hand_back(ref, ANN), speak(any_storage, ref, "late")):
        with pytest.raises(SessionDeleted):
            await call
    await drain(any_storage)


async def test_s32_only_who_has_it_hands_it_back(storage: Storage) -> None:
    ref = await started(storage)
    assert not await storage.sessions.hand_back(ref, ANN)
    await take(storage, ref)
    assert not await storage.sessions.hand_back(ref, BOB)
    assert (await person(storage, ref)) is not None
    assert await storage.sessions.hand_back(ref, ANN)
    assert not await storage.sessions.hand_back(ref, ANN)
    assert await person(storage, ref) is None
    assert (await take(storage, ref, BOB)).is_new


async def test_s1_a_session_of_another_site_is_not_taken(storage: Storage) -> None:
    ref = await started(storage)
    foreign = msgspec.structs.replace(ref, site_id="other")
    with pytest.raises(SessionNotFound):
        await take(storage, foreign)
    with pytest.raises(SessionNotFound):
        await storage.sessions.hand_back(foreign, ANN)
    assert await person(storage, ref) is None


async def test_s29_a_take_over_outlives_a_restart(durable: Harness) -> None:
    storage = await durable.open()
    ref = await started(storage)
    asked = await ask(storage, ref)
    taking = await take(storage, ref)
    await storage.close()
    storage = await durable.open()
    assert await person(storage, ref) == taking.person
    with pytest.raises(SessionTaken):
        await say(storage, ref, "a late answer", "~reply:1", role="assistant", closes_turn=asked.seq)
    assert await speak(storage, ref, "hello") == 2
    await storage.close()
