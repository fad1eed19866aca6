"""The documents: their fields, ids and meaning. One that cannot be read makes its session unusable, not the process.

A session and its tombstone are one document, so that one version decides every step on a session id.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec

from backends.errors import NotOwner, SessionCorrupt, SessionDeleted, SessionNotFound
from backends.records import Draft, Session, SessionRef, Task
from backends.takeover import TakeOver, person_of

SAFE_ID = re.compile(r"[0-9A-Za-z-]{1,128}")
DUE_NOW = 1
Status = Literal["live", "evicting", "evicted", "buried"]
D = TypeVar("D", bound=msgspec.Struct)


class SessionDoc(msgspec.Struct, kw_only=True):
    """`sessions/{id}`. Times in ms. Beside the fields of `Session`:

    `lease_due`: when the lease of the open question ends (0: nobody has it), None without an open question.
    `task_due`: the deadline of a running or held task. `todo`: when the sweeper has work on a session that is not live.
    `until`: the end of the tombstone, or of an evicted session's keys; `erased`: whether everything below the document
    is gone. `pending`: the seconds of the tombstone, until the log has confirmed the deletion.
    """

    id: str
    site: str
    status: Status = "live"
    created: int
    activity: int
    seq: int = 0
    epoch: int = 0
    holder: str | None = None
    asked: int = 0
    answered: int = 0
    attempts: int = 0
    visitor: str | None = None
    continues: str | None = None
    lease: str | None = None
    lease_until: int = 0
    lease_due: int | None = None
    last_ts: int = 0
    task: Task | None = None
    task_due: int | None = None
    todo: int | None = None
    until: int = 0
    erased: bool = False
    pending: float | None = None
    take_over: TakeOver | None = None

    def session(self, now: int) -> Session:
        return Session(
            session_id=self.id,
            site_id=self.site,
            created_at=self.created,
            last_activity=self.activity,
            seq=self.seq,
            epoch=self.epoch,
            holder=self.holder,
            asked=self.asked,
            answered=self.answered,
            attempts=self.attempts,
            visitor_id=self.visitor,
            continues=self.continues,
            person=person_of(self.take_over, now),
        )

    def is_idle(self, idle_ttl: float, now: int) -> bool:
        return now >= self.activity + idle_ttl * 1000

    def knows_keys(self, now: int) -> bool:
        """Whether its keys are those of a session: stored, or evicted and kept (S25)."""
        return self.status == "live" or (self.status in ("evicting", "evicted") and now < self.until)

    def is_tombstone(self, now: int) -> bool:
        return self.status == "buried" and now < self.until

    def encode(self) -> dict[str, Any]:
        """The stored form, with what the queries of `sweep` need."""
        live = self.status == "live"
        self.lease_due = (self.lease_until if self.lease else 0) if live and self.asked > self.answered else None
        task = self.task
        self.task_due = task.deadline if live and task and task.status in ("running", "held") else None
        return encode(self) | {"expireAt": _expiry(self.erased and self.pending is None, self.until)}


class LogDoc(msgspec.Struct, kw_only=True):
    """`logSessions/{id}`: the summary of a session in the log, or its tombstone.

    `rank` orders a site's sessions by activity and is None for a tombstone; `days` counts lines by UTC day number;
    `first_seq` is where `first_text` comes from; `last_seq` is the newest line.
    """

    id: str
    site: str
    status: Status = "live"
    started: int = 0
    activity: int = 0
    messages: int = 0
    first_text: str = ""
    first_seq: int | None = None
    last_seq: int = 0
    visitor: str | None = None
    continues: str | None = None
    days: dict[str, int] = {}
    rank: str | None = None
    todo: int | None = None
    until: int = 0
    erased: bool = False

    def is_tombstone(self, now: int) -> bool:
        return self.status == "buried" and now < self.until

    def encode(self) -> dict[str, Any]:
        self.rank = log_rank(self.activity, self.id) if self.status == "live" else None
        return encode(self) | {"expireAt": _expiry(self.erased, self.until)}


def encode(document: msgspec.Struct) -> dict[str, Any]:
    """A struct as Firestore stores it; bytes stay bytes."""
    fields: dict[str, Any] = msgspec.to_builtins(document, builtin_types=(bytes,))
    return fields


def decode(data: dict[str, Any], document: type[D], session_id: str) -> D:
    """The struct of stored data. Raises `SessionCorrupt`."""
    try:
        return msgspec.convert(data, document, builtin_types=(bytes,))
    except msgspec.ValidationError:
        raise SessionCorrupt(session_id) from None


def _expiry(erased: bool, until: int) -> datetime | None:
    """The field for a TTL policy, which may remove a tombstone only when nothing is left below it."""
    return datetime.fromtimestamp(until / 1000, UTC) if erased else None


def live(data: dict[str, Any] | None, ref: SessionRef, now: int, epoch: int | None = None) -> SessionDoc:
    """The session, if it is there for this site (rules S1, S2, S3)."""
    if data is None:
        raise SessionNotFound(ref.session_id)
    document = decode(data, SessionDoc, ref.session_id)
    if document.site != ref.site_id:
        raise SessionNotFound(ref.session_id)
    if document.is_tombstone(now):
        raise SessionDeleted(ref.session_id)
    if document.status != "live" or document.is_idle(ref.idle_ttl, now):
        raise SessionNotFound(ref.session_id)
    fence(document, epoch)
    return document


def fence(document: SessionDoc, epoch: int | None) -> None:
    """Rule S3."""
    if epoch is not None and epoch < document.epoch:
        raise NotOwner(document.id)


def advance(document: SessionDoc, draft: Draft, seq: int, ts: int) -> None:
    """Update the session for a stored message (rules S12, S13)."""
    document.seq, document.last_ts = seq, ts
    if draft.renews:
        document.activity = ts
    if draft.opens_turn:
        document.asked = seq
    if draft.closes_turn is not None:
        document.answered = max(document.answered, draft.closes_turn)
        document.attempts = 0
    if document.answered >= document.asked:
        document.lease, document.lease_until = None, 0


def document_id(name: str) -> str:
    """A name as a document id. Firestore refuses `/`, `.` and `__x__`, so a strange name is hashed."""
    if SAFE_ID.fullmatch(name):
        return name
    return "_" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def message_id(seq: int) -> str:
    return f"{seq:010}"


def log_rank(activity: int, session_id: str) -> str:
    """Sorts as text the way `(activity, session_id)` sorts."""
    return f"{activity:015}:{session_id}"


def site_key(site_id: str, session_id: str) -> str:
    """The id of a session's data outside its document. It includes the site, so that sites cannot collide."""
    return f"{document_id(site_id)}:{document_id(session_id)}"


def line_key(site_id: str, session_id: str, seq: int) -> str:
    """Sorts by session and `seq`."""
    return f"{site_key(site_id, session_id)}:{message_id(seq)}"


def lines_of(site_id: str, session_id: str, since: int = 0) -> list[tuple[str, str, Any]]:
    """The condition on `key` for the lines of a session after `since`."""
    return [("key", ">", line_key(site_id, session_id, since)), ("key", "<", f"{site_key(site_id, session_id)};")]


def outbox_rank(evicted: bool, ts: int, key: str) -> str:
    """Lines of evicted sessions first, then by time; within a session by `seq`."""
    return f"{0 if evicted else 1}:{ts:015}:{key}"
