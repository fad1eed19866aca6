"""A session in memory, and the rules that read or change one."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.records import Draft, Key, Session, Snapshot, Task
from backends.takeover import TakeOver, person_of


class SessionRecord(Struct):
    state: Session
    messages: list[bytes] = []
    keys: dict[str, Key] = {}
    prior: bytes | None = None
    context: bytes | None = None
    task: Task | None = None
    lease: str | None = None
    lease_until: int = 0
    last_ts: int = 0
    take_over: TakeOver | None = None

    def session(self, now: int) -> Session:
        """The state, with the person who has the session now."""
        person = person_of(self.take_over, now)
        return self.state if person is None else replace(self.state, person=person)


class EvictedSession(Struct):
    """What outlives an eviction (S25), until `until` (ms)."""

    site_id: str
    continues: str | None
    keys: dict[str, Key]
    until: float


def is_idle(state: Session, idle_ttl: float, now: int) -> bool:
    return now >= state.last_activity + idle_ttl * 1000


def is_overdue(task: Task | None, now: int) -> bool:
    live: tuple[Literal["running", "held"], ...] = ("running", "held")
    return task is not None and task.status in live and task.deadline is not None and now >= task.deadline


def snapshot(record: SessionRecord, since: int, limit: int, now: int) -> Snapshot:
    messages = record.messages[max(since, record.state.seq - limit) :]
    return Snapshot(record.session(now), messages, record.task)


def advanced(state: Session, draft: Draft, seq: int, ts: int) -> Session:
    asked = seq if draft.opens_turn else state.asked
    answered = max(state.answered, draft.closes_turn or 0)
    return replace(
        state,
        seq=seq,
        last_activity=ts if draft.renews else state.last_activity,
        asked=asked,
        answered=answered,
        attempts=0 if draft.closes_turn is not None else state.attempts,
    )
