"""Event names, limits, and the bodies of the visitor's HTTP calls and events (docs/protocol.md#http)."""

import re
from typing import Annotated, Any, Final, Literal, TypeVar

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from backends.records import Role
from leflux.protocol.step_results import PageId, Url

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
STOP_REPLY: Final = "stop_reply"
TYPING: Final = "typing"
WATCH_CRAWL: Final = "watch_crawl"
WATCH_CONVERSATION: Final = "watch_conversation"
PERSON_TYPING: Final = "person_typing"

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
HISTORY_LOST: Final = "history_lost"
ERROR: Final = "error"
PRESENCE: Final = "presence"
CRAWL_PROGRESS: Final = "crawl_progress"
CONVERSATION_CHANGED: Final = "conversation_changed"

HISTORY_LIMIT: Final = 200
PAGE_LIMIT: Final = 500
PRIOR_LIMIT: Final = 50

_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")

Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ClientId = Annotated[str, Meta(pattern=rf"^{_CLIENT_ID.pattern}\Z")]
VisitorId = Annotated[str, Meta(max_length=64, pattern=rf"^{_CLIENT_ID.pattern}\Z")]
T = TypeVar("T")

MessageKind = Literal["question", "task", "aborted", "notice", "error", "person"]
# JSON that is sent as it is stored. `typescript` names the type of what is inside.
MessageJson = Annotated[Raw, Meta(extra={"typescript": "Message"})]
TaskJson = Annotated[Raw, Meta(extra={"typescript": "Task"})]
SiteConfigJson = Annotated[dict[str, Any], Meta(extra={"typescript": "SiteConfig"})]
# Read by the tasks: one that cannot be read must not keep a page from its session.
JournalJson = Annotated[Any, Meta(extra={"typescript": "TaskJournal"})]
KindText = Annotated[str, Meta(extra={"typescript": "MessageKind"})]


class PriorMessage(Struct, rename="camel"):
    """A message as a browser remembers it: untrusted, context for the agent only."""

    role: Role
    text: Annotated[str, Meta(max_length=20_000)]


class InitRequest(Struct, rename="camel"):
    website_url: Url
    visitor_id: VisitorId | None = None
    continues: str | None = None
    prior_history: Annotated[list[PriorMessage], Meta(max_length=PRIOR_LIMIT)] = []


class WatchCrawl(Struct, rename="camel"):
    """The payload of `watch_crawl`."""

    site_id: str


class WatchConversation(Struct, rename="camel"):
    """The payload of `watch_conversation`."""

    site_id: str
    conversation_id: str


class PersonTyping(Struct, rename="camel"):
    """The payload of `person_typing`."""

    site_id: str
    conversation_id: str
    typing: bool


class RestoreRequest(Struct, rename="camel"):
    """`check`: what `history_check` says of the messages `first` to `since`, which the browser has. Where the store has
    others, everything is sent."""

    url: Url | None = None
    since: Seq = 0
    first: Seq = 1
    check: int | None = None


class ChatRequest(Struct, rename="camel"):
    session_id: str
    client_message_id: ClientId
    message: str
    context: dict[str, Any] | None = None


class JoinSession(Struct, rename="camel"):
    """`page` names the instance of the page: a join by the same one is a reconnect, never a reload. `journal`: what
    the tab has written down about the step of a task.
    """

    session_id: str
    url: Url | None = None
    since: Seq = 0
    page: PageId | None = None
    journal: JournalJson = None


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


class StopReply(Struct, rename="camel"):
    session_id: str


class Typing(Struct, rename="camel"):
    """The visitor types, or has stopped; never what."""

    session_id: str
    typing: bool


class Retention(Struct, rename="camel", frozen=True):
    """How long the client keeps what, and how long the server waits."""

    client_ttl_ms: int
    user_data_ttl_ms: int
    idle_ttl_ms: int
    task_hold_ms: int
    read_only_ms: int


class Limits(Struct, rename="camel", frozen=True):
    """The limits that a client checks before it sends. `message_chars` counts code points."""

    message_chars: int


class Message(Struct, rename="camel", omit_defaults=True):
    """A new message. The store adds `seq` and `ts`."""

    id: str
    role: Role
    text: str
    client_message_id: str | UnsetType = UNSET
    kind: KindText | UnsetType = UNSET
    data: Any | UnsetType = UNSET


class StoredMessage(Struct, rename="camel"):
    """A message as stored and sent."""

    id: str
    seq: int
    role: Role
    text: str
    ts: int
    client_message_id: str | UnsetType = UNSET
    kind: KindText | UnsetType = UNSET
    data: Any | UnsetType = UNSET


class Stream(Struct, rename="camel"):
    """A reply that is still being written: the text so far and the index of the next chunk."""

    stream_id: str
    text: str
    next_chunk: int


class PersonShown(Struct, rename="camel", frozen=True):
    """Somebody of the site who has the conversation, as the visitor sees them."""

    name: str
