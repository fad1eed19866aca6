"""The records that cross the storage protocol.

Times are integer milliseconds since the epoch by the *store's* clock; durations are seconds.
`body` is a UTF-8 JSON object, kept as bytes from the moment it is stored until it is sent.
"""

from typing import Literal

import msgspec

from backends.errors import DuplicateIdConflict

Role = Literal["visitor", "assistant", "system"]


class SessionRef(msgspec.Struct, frozen=True):
    """Names a session for one site; `idle_ttl` (seconds) is the site's rule at this moment."""

    site_id: str
    session_id: str
    idle_ttl: float


class NewSession(msgspec.Struct, frozen=True):
    """What `create` stores. `prior` is JSON of untrusted history, for the agent only (never logged)."""

    visitor_id: str | None = None
    continues: str | None = None
    prior: bytes | None = None


class Person(msgspec.Struct, frozen=True):
    """Somebody of the site who has a session: the account, and the name that the visitor sees.

    `since` (ms): when the account took it. `until` (ms): when it is handed back without a word.
    """

    account: str
    name: str
    since: int
    until: int


class Taking(msgspec.Struct, frozen=True):
    """What a `take` did. `taken_from`: who had the session until then. `is_new`: not a repeat by the same account."""

    person: Person
    taken_from: Person | None
    is_new: bool


class Session(msgspec.Struct, frozen=True):
    """The state of one session.

    `seq` is the number of messages. `asked` is the seq of the newest message that wants a reply,
    `answered` the newest one whose reply is stored: a question is open while `asked > answered`.
    `attempts` counts how often the open question was leased. `holder` names the socket of `epoch`.
    `person`: who of the site has it now.
    """

    session_id: str
    site_id: str
    created_at: int
    last_activity: int
    seq: int = 0
    epoch: int = 0
    holder: str | None = None
    asked: int = 0
    answered: int = 0
    attempts: int = 0
    visitor_id: str | None = None
    continues: str | None = None
    person: Person | None = None


class Draft(msgspec.Struct, frozen=True):
    """A message before the store gives it `seq` and `ts`.

    `body` is the message's JSON object without these two members (it has at least one other); the store
    puts `"seq":…,"ts":…,` in front of them. `fingerprint` identifies the text: a repeat of
    `client_message_id` with another one is refused; when it is None, the first one stored wins.
    `renews`: counts as activity. `opens_turn`: wants a reply. `closes_turn`: the `seq` it replies to.
    `logged`: belongs in the permanent log. `account`: who says it, and must have the session.
    """

    id: str
    role: Role
    text: str
    body: bytes
    client_message_id: str | None = None
    fingerprint: str | None = None
    kind: str | None = None
    renews: bool = False
    opens_turn: bool = False
    closes_turn: int | None = None
    logged: bool = True
    account: str | None = None


class Appended(msgspec.Struct, frozen=True):
    """A stored message. `body` is complete, with `seq` and `ts`; `created` is False for a repeat.

    `earlier`: the session that this one continues and that stored the message; `body` is empty then.
    """

    id: str
    seq: int
    body: bytes
    created: bool
    earlier: str | None = None


class Key(msgspec.Struct, frozen=True):
    """What a session remembers of a `client_message_id`."""

    seq: int
    message: str
    fingerprint: str | None

    def repeat(self, draft: Draft, body: bytes = b"", earlier: str | None = None) -> Appended:
        """The answer to a repeat. Raises `DuplicateIdConflict` when its text is another one (S10)."""
        if draft.fingerprint is not None and draft.fingerprint != self.fingerprint:
            raise DuplicateIdConflict(draft.client_message_id)
        return Appended(self.message, self.seq, body, created=False, earlier=earlier)


MAX_EARLIER = 10
"""How many sessions back a repeat is recognised."""


class Task(msgspec.Struct, frozen=True):
    """A session's task. `body` is its JSON; `deadline` (ms) is when `sweep` reports it as overdue."""

    task_id: str
    status: Literal["running", "held", "done", "aborted"]
    body: bytes
    deadline: int | None = None
    version: int = 0


class Snapshot(msgspec.Struct, frozen=True):
    """A session as one read saw it: the newest messages after `since`, oldest first, as JSON bytes.

    `taken_from`: after a claim, the socket that owned the session until then.
    """

    session: Session
    messages: list[bytes]
    task: Task | None = None
    taken_from: str | None = None


class Erased(msgspec.Struct, frozen=True):
    """What a purge removed from the session store; `outbox` counts log lines that had not left yet.

    `outbox_from`: the lowest `seq` among these, 0 without any. The log may hold some of them already, and holds
    every one before them.
    """

    sessions: int = 0
    messages: int = 0
    tasks: int = 0
    outbox: int = 0
    outbox_from: int = 0


class Deletion(msgspec.Struct, frozen=True):
    """A deletion that the log has to confirm. `tombstone`: seconds, as `delete` got it."""

    site_id: str
    session_id: str
    tombstone: float


class SessionName(msgspec.Struct, frozen=True):
    """Which session, of which site: what a sweep reports."""

    site_id: str
    session_id: str


class Swept(msgspec.Struct, frozen=True):
    """What one `sweep` did (`evicted`) and found (`overdue` tasks, `orphaned` questions without a lease)."""

    evicted: tuple[SessionName, ...] = ()
    overdue: tuple[SessionName, ...] = ()
    orphaned: tuple[SessionName, ...] = ()


class LogEntry(msgspec.Struct, frozen=True):
    """One line of the permanent log. Its identity is `(session_id, seq)`."""

    site_id: str
    session_id: str
    seq: int
    ts: int
    message_id: str
    role: Role
    text: str
    body: bytes
    started_at: int
    kind: str | None = None
    visitor_id: str | None = None
    continues: str | None = None


class LogSession(msgspec.Struct, frozen=True):
    """A session as the log knows it. `first_text` is the visitor's first message, at most 200 characters."""

    site_id: str
    session_id: str
    started_at: int
    last_activity: int
    messages: int
    first_text: str = ""
    visitor_id: str | None = None
    continues: str | None = None


class LogQuery(msgspec.Struct, frozen=True):
    """Filters of a listing, newest activity first. `words` all stand in one message; the last is a prefix.

    `start` is inclusive, `end` exclusive, both on `last_activity`. `cursor` is what the last page gave.
    """

    words: str = ""
    start: int | None = None
    end: int | None = None
    cursor: str | None = None
    limit: int = 50


class LogPage(msgspec.Struct, frozen=True):
    """One page of a listing; `next_cursor` is None on the last."""

    sessions: list[LogSession]
    next_cursor: str | None = None


class LogCount(msgspec.Struct, frozen=True):
    """How many sessions and messages."""

    sessions: int = 0
    messages: int = 0


class DayCount(msgspec.Struct, frozen=True):
    """One UTC day of a site; `date` is `YYYY-MM-DD`. A session counts on every day it has a message."""

    date: str
    sessions: int
    messages: int
    visitors: int


class Versioned(msgspec.Struct, frozen=True):
    """A settings document with the version that a compare-and-set must name."""

    value: bytes
    version: int


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what, when; never a message's text. `ts` is set by the store."""

    actor: str
    action: str
    details: dict[str, str | int | float | bool | None] = {}
    ts: int = 0
