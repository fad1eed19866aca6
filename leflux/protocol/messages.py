"""Every event and body of the protocol as a struct; the only home of event names.

Times are integer milliseconds. Unknown fields of a request are ignored; a missing or ill-typed one is
`invalid_request` and names its path.
"""

import re
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from leflux.problems import Problem

# client -> server
JOIN_SESSION: Final = "join_session"
SEND_MESSAGE: Final = "send_message"
UPDATE_CONTEXT: Final = "update_context"
ACTION_STARTED: Final = "action_started"
ACTION_COMPLETE: Final = "action_complete"
SEQUENCE_COMPLETE: Final = "sequence_complete"
CONTINUE_TASK: Final = "continue_task"
CONFIRMATION_RESPONSE: Final = "confirmation_response"
VISIBILITY: Final = "visibility"
WATCH_CRAWL: Final = "watch_crawl"

# server -> client
SESSION_JOINED: Final = "session_joined"
MESSAGE: Final = "message"
MESSAGE_CHUNK: Final = "message_chunk"
MESSAGE_DONE: Final = "message_done"
ACTION_PLAN: Final = "action_plan"
CONFIRMATION_REQUIRED: Final = "confirmation_required"
TASK_COMPLETE: Final = "task_complete"
TASK_ABORTED: Final = "task_aborted"
SESSION_TAKEN_OVER: Final = "session_taken_over"
SESSION_EXPIRED: Final = "session_expired"
SESSION_DELETED: Final = "session_deleted"
ERROR: Final = "error"
CRAWL_PROGRESS: Final = "crawl_progress"

HISTORY_LIMIT: Final = 200
PAGE_LIMIT: Final = 500
PRIOR_LIMIT: Final = 50

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")

Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ClientId = Annotated[str, Meta(pattern=rf"^{_CLIENT_ID.pattern}\Z")]
VisitorId = Annotated[str, Meta(max_length=64, pattern=rf"^{_CLIENT_ID.pattern}\Z")]
URL_CHARS: Final = 4096
Url = Annotated[str, Meta(max_length=URL_CHARS)]
T = TypeVar("T")


class PriorMessage(Struct, rename="camel"):
    """A message as a browser remembers it: untrusted, context for the agent only."""

    role: Literal["visitor", "assistant", "system"]
    text: Annotated[str, Meta(max_length=20_000)]


class InitRequest(Struct, rename="camel"):
    website_url: Url
    visitor_id: VisitorId | None = None
    continues: str | None = None
    prior_history: Annotated[list[PriorMessage], Meta(max_length=PRIOR_LIMIT)] = []


class WatchCrawl(Struct, rename="camel"):
    """What an owner's page asks for over the socket."""

    site_id: str


class RestoreRequest(Struct, rename="camel"):
    url: Url | None = None
    since: Seq = 0


class ChatRequest(Struct, rename="camel"):
    session_id: str
    client_message_id: ClientId
    message: str
    context: dict[str, Any] | None = None


class JoinSession(Struct, rename="camel"):
    session_id: str
    url: Url | None = None
    since: Seq = 0


class SendMessage(Struct, rename="camel"):
    session_id: str
    client_message_id: ClientId
    text: str
    context: dict[str, Any] | None = None


class UpdateContext(Struct, rename="camel"):
    session_id: str
    context: dict[str, Any]


class Visibility(Struct, rename="camel"):
    session_id: str
    visible: bool


class Retention(Struct, rename="camel", frozen=True):
    """How long the client keeps what, and how long the server waits."""

    client_ttl_ms: int
    user_data_ttl_ms: int
    idle_ttl_ms: int
    task_hold_ms: int
    read_only_ms: int


class Message(Struct, rename="camel", omit_defaults=True):
    """A message without `seq` and `ts`, which the store puts in front."""

    id: str
    role: Literal["visitor", "assistant", "system"]
    text: str
    client_message_id: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    data: Any | UnsetType = UNSET


class StoredMessage(Struct, rename="camel"):
    """A message as stored and sent."""

    id: str
    seq: int
    role: Literal["visitor", "assistant", "system"]
    text: str
    ts: int
    client_message_id: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    data: Any | UnsetType = UNSET


class Stream(Struct, rename="camel"):
    """A reply that is still being written: the text so far and the index of the next chunk."""

    stream_id: str
    text: str
    next_chunk: int


class InitAnswer(Struct, rename="camel"):
    session_id: str
    created_at: int
    seq: int
    history: list[Raw]
    site_config: dict[str, Any]
    retention: Retention
    message_log: bool


class SessionInfo(Struct, rename="camel"):
    """What `GET /api/session/<id>` answers: the restore answer without its history."""

    session_id: str
    restored: bool
    created_at: int
    last_activity: int
    seq: int
    truncated: bool
    task: Raw | None
    streams: list[Stream]
    site_config: dict[str, Any]
    retention: Retention
    message_log: bool


class RestoreAnswer(SessionInfo):
    history: list[Raw] = []


class Joined(Struct, rename="camel"):
    """`session_joined`, and the acknowledgement of `join_session`."""

    session_id: str
    restored: bool
    seq: int
    history: list[Raw]
    truncated: bool
    task: Raw | None
    streams: list[Stream]
    epoch: int
    ok: bool = True


class MessagePage(Struct, rename="camel"):
    messages: list[Raw]
    more: bool


class Sent(Struct, rename="camel"):
    message_id: str
    seq: int
    ok: bool = True


class Chatted(Struct, rename="camel"):
    message_id: str
    seq: int
    status: Literal["processing"] = "processing"


class DeletedCounts(Struct, rename="camel"):
    sessions: int
    messages: int
    logged: int
    tasks: int

    def named(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__struct_fields__}


class DeleteAnswer(Struct, rename="camel"):
    deleted: DeletedCounts
    success: bool = True


def is_session_id(value: str) -> bool:
    return _UUID4.fullmatch(value) is not None


def session_id(value: str) -> str:
    """`value` when it is a lower-case UUIDv4; raises `invalid_session_id`."""
    if not is_session_id(value):
        raise Problem("invalid_session_id", "A session id is a lower-case UUIDv4.")
    return value


def decode(body: bytes, kind: type[T]) -> T:
    """JSON of an HTTP body. Raises `bad_json` or `invalid_request`."""
    try:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            # A wrong type may be met before the place where the text stops being JSON.
            msgspec.json.decode(body, type=Raw)
            problem = _invalid(error)
        raise problem
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem("bad_json", f"The body is not JSON: {reason}.") from None


def convert(payload: object, kind: type[T]) -> T:
    """The parsed payload of an event. Raises `invalid_request`."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise Problem("invalid_request", "The payload is nested too deeply.") from None


_MISSING = re.compile(r"Object missing required field `([^`]+)`(?: - at `([^`]+)`)?")
_AT = re.compile(r" - at `([^`]+)`$")


def _invalid(error: msgspec.ValidationError) -> Problem:
    text = str(error)
    if missing := _MISSING.match(text):
        path = f"{missing[2] or '$'}.{missing[1]}"
    else:
        at = _AT.search(text)
        path = at[1] if at else "$"
    return Problem("invalid_request", text, path=path)
