"""The rules of a take-over by a person (S29 to S32), without I/O, for the stores that apply them in Python."""

import msgspec
from msgspec.structs import replace

from backends.errors import NotTaken, SessionTaken
from backends.records import Draft, Person, SessionRef, Taking


class TakeOver(msgspec.Struct, frozen=True):
    """A session's newest take-over as a store keeps it, also when it is over. Times in ms.

    `seq`: of the newest message when the session was taken. `until` is 0 after a hand-back.
    """

    account: str
    name: str
    since: int
    until: int
    silence: int
    seq: int

    def person(self, now: int) -> Person | None:
        """Who has the session now."""
        return Person(self.account, self.name, self.since, self.until) if now < self.until else None


class Taker(msgspec.Struct, frozen=True):
    """Who takes a session: the arguments of `take`."""

    account: str
    name: str
    silence: float
    force: bool


def person_of(before: TakeOver | None, now: int) -> Person | None:
    return None if before is None else before.person(now)


def taken(ref: SessionRef, before: TakeOver | None, taker: Taker, seq: int, now: int) -> tuple[TakeOver, Taking]:
    """The new record and the answer. Raises `SessionTaken` (S29)."""
    person = person_of(before, now)
    is_repeat = person is not None and person.account == taker.account
    if person is not None and not is_repeat and not taker.force:
        raise SessionTaken(ref.session_id, person.name, person.since)
    silence = int(taker.silence * 1000)
    since = person.since if person is not None and is_repeat else now
    after = TakeOver(taker.account, taker.name, since, now + silence, silence, seq)
    stored = after.person(now) or Person(after.account, after.name, since, after.until)
    return after, Taking(stored, None if is_repeat else person, is_new=not is_repeat)


def handed_back(before: TakeOver | None, account: str, now: int) -> TakeOver | None:
    """The new record; None when `account` does not have the session (S32)."""
    person = person_of(before, now)
    if before is None or person is None or person.account != account:
        return None
    return replace(before, until=0)


def admitted(
    ref: SessionRef, before: TakeOver | None, draft: Draft, now: int, seq: int
) -> tuple[Draft, TakeOver | None]:
    """The draft as it may be stored as `seq`, and the record after it. Raises `SessionTaken` and `NotTaken`."""
    person = person_of(before, now)
    if draft.account is not None and (person is None or person.account != draft.account):
        raise NotTaken(ref.session_id)
    if before is None:
        return draft, None
    if draft.closes_turn is not None and draft.closes_turn <= before.seq:
        raise SessionTaken(ref.session_id, *((person.name, person.since) if person else ()))
    if person is None:
        return draft, before
    if draft.account is not None:
        before = replace(before, until=now + before.silence)
    return (replace(draft, opens_turn=False, closes_turn=seq) if draft.opens_turn else draft), before
