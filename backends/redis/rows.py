"""Converts replies to records. A record that cannot be read makes its session unusable, not the process."""

from typing import Any, Literal, cast

import msgspec

from backends.errors import SessionCorrupt
from backends.records import Draft, LogEntry, Person, Role, Session, SessionRef, Snapshot, Taking, Task

_STATUSES = ("running", "held", "done", "aborted")
# The order in which read_state of lua/session.lua reads the fields.
_VISITOR, _CONTINUES, _TASK, _STATUS, _DEADLINE, _VERSION, _TAKE_OVER = 9, 10, 14, 15, 16, 17, 18


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """What a log line has beside the message's body and what the session knows."""

    message_id: str
    role: Role
    text: str
    kind: str | None


class _StoredLine(msgspec.Struct, array_like=True, frozen=True):
    """An outbox record as `append.lua` packs it; False stands for what is absent."""

    seq: int
    ts: int
    started_at: int
    visitor_id: str | bool
    continues: str | bool
    head: str
    body: str


class _PackedPerson(msgspec.Struct, array_like=True, frozen=True):
    """Who has a session, as `take.lua` packs it."""

    account: str
    name: str
    since: int
    until: int


_persons = msgspec.msgpack.Decoder(_PackedPerson)
_lines = msgspec.msgpack.Decoder(_StoredLine)
_heads = msgspec.json.Decoder(_Head)


def line_head(draft: Draft) -> bytes:
    """The part of an outbox record that is known before the store gives `seq` and `ts`."""
    return msgspec.json.encode(_Head(draft.id, draft.role, draft.text, draft.kind))


def log_entry(site_id: str, session_id: str, record: bytes) -> LogEntry | None:
    """The log line in an outbox record; None for a record that is not ours."""
    try:
        line = _lines.decode(record)
        head = _heads.decode(line.head)
    except msgspec.MsgspecError:
        return None
    return LogEntry(
        site_id=site_id,
        session_id=session_id,
        seq=line.seq,
        ts=line.ts,
        message_id=head.message_id,
        role=head.role,
        text=head.text,
        body=line.body.encode(),
        started_at=line.started_at,
        kind=head.kind,
        visitor_id=_present(line.visitor_id),
        continues=_present(line.continues),
    )


def person(packed: bytes | None) -> Person | None:
    if packed is None:
        return None
    found = _persons.decode(packed)
    return Person(found.account, found.name, found.since, found.until)


def session(ref: SessionRef, values: list[bytes | None]) -> Session:
    """Raises `SessionCorrupt`."""
    try:
        created, activity, seq, epoch = (int(cast("bytes", value)) for value in values[1:5])
        asked, answered, attempts = (int(cast("bytes", value)) for value in values[6:9])
        return Session(
            session_id=ref.session_id,
            site_id=ref.site_id,
            created_at=created,
            last_activity=activity,
            seq=seq,
            epoch=epoch,
            holder=_text(values[5]),
            asked=asked,
            answered=answered,
            attempts=attempts,
            visitor_id=_text(values[_VISITOR]),
            continues=_text(values[_CONTINUES]),
            person=person(values[_TAKE_OVER]),
        )
    except (ValueError, TypeError) as error:
        raise SessionCorrupt(ref.session_id) from error


def taking(ref: SessionRef, now: bytes, before: bytes | None, is_new: bool) -> Taking:
    """The reply of `take`. Raises `SessionCorrupt`."""
    found = person(now)
    if found is None:
        raise SessionCorrupt(ref.session_id)
    return Taking(found, person(before), is_new)


def task(ref: SessionRef, values: list[bytes | None], body: bytes | None) -> Task | None:
    """Raises `SessionCorrupt`."""
    if values[_TASK] is None:
        return None
    try:
        status = _text(values[_STATUS])
        if status not in _STATUSES or body is None:
            raise ValueError(status)
        deadline = values[_DEADLINE]
        return Task(
            task_id=cast("str", _text(values[_TASK])),
            status=cast('Literal["running", "held", "done", "aborted"]', status),
            body=body,
            deadline=int(deadline) if deadline else None,
            version=int(cast("bytes", values[_VERSION])),
        )
    except (ValueError, TypeError) as error:
        raise SessionCorrupt(ref.session_id) from error


def snapshot(ref: SessionRef, reply: list[Any]) -> Snapshot:
    """The reply of `restore` and `claim`. Messages are not parsed."""
    values, body, messages, *taken_from = reply
    return Snapshot(
        session(ref, values), messages, task(ref, values, body), _text(taken_from[0]) if taken_from else None
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _present(value: str | bool) -> str | None:
    return value if isinstance(value, str) else None
