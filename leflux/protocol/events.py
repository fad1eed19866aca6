"""The payload of every event (docs/protocol.md#events)."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from leflux.protocol import answers, messages, task_messages
from leflux.protocol.messages import MessageJson

StepsJson = Annotated[Any, Meta(extra={"typescript": "Step[]"})]

DetailsJson = Annotated[dict[str, Any], Meta(extra={"typescript": "{ path?: string; retryAfterMs?: number }"})]


class Chunk(Struct, rename="camel", frozen=True):
    """The next piece of a reply that is being written. A client draws each `(streamId, chunkIndex)` once."""

    stream_id: str
    chunk_index: int
    delta: str


class StreamDone(Struct, rename="camel", frozen=True):
    """The stored message that a stream has become."""

    stream_id: str
    message: MessageJson


class ActionPlan(Struct, rename="camel", frozen=True):
    """The steps that are not done yet. `resumed`: the page was away meanwhile.

    `hosts`: the site's host names. One that begins with a dot stands for all names that end with it.
    """

    task_id: str
    actions: StepsJson
    hosts: list[str]
    message: str | UnsetType = UNSET
    resumed: bool | UnsetType = UNSET
    is_sequence: Literal[True] = True


class ConfirmationRequired(Struct, frozen=True):
    """A question to the visitor.

    `gate`: may the task start; `repeat`: may a click be repeated that may have happened; `missing`: look once more
    for an element; `consent`: may this click be made.
    """

    task_id: str = field(name="taskId")
    action_id: str = field(name="actionId")
    message: str
    confirm_label: str
    cancel_label: str
    kind: Literal["gate", "repeat", "missing", "consent"]


class TaskEnd(Struct, rename="camel", frozen=True):
    """The end of a task with the message that tells it. `summary` comes when it is done, `reason` when it is not."""

    task_id: str
    message: MessageJson
    summary: str | UnsetType = UNSET
    reason: Literal["reload", "timeout", "failed", "cancelled"] | UnsetType = UNSET


class TakenOver(Struct, rename="camel", frozen=True):
    """Another socket has joined the session; this one has left it."""

    session_id: str
    read_only_ms: int


class SessionEnded(Struct, rename="camel", frozen=True):
    """The session has expired or was deleted."""

    session_id: str


class Presence(Struct, rename="camel", frozen=True):
    """Somebody of the site has taken the conversation, types, or has left it."""

    person: messages.PersonShown | None
    typing: bool = False


class ErrorBody(Struct, rename="camel", frozen=True):
    """An error, as the body of an answer, an acknowledgement or the event `error`."""

    error: str
    message: str
    details: DetailsJson | UnsetType = UNSET


CLIENT_EVENTS: Final[dict[str, type]] = {
    messages.JOIN_SESSION: messages.JoinSession,
    messages.SEND_MESSAGE: messages.SendMessage,
    messages.UPDATE_CONTEXT: messages.UpdateContext,
    messages.VISIBILITY: messages.Visibility,
    messages.STOP_REPLY: messages.StopReply,
    messages.TYPING: messages.Typing,
    messages.ACTION_STARTED: task_messages.ActionStarted,
    messages.ACTION_COMPLETE: task_messages.ActionComplete,
    messages.SEQUENCE_COMPLETE: task_messages.SequenceComplete,
    messages.CONTINUE_TASK: task_messages.ContinueTask,
    messages.CONFIRMATION_RESPONSE: task_messages.ConfirmationResponse,
}
SERVER_EVENTS: Final[dict[str, type]] = {
    messages.SESSION_JOINED: answers.Joined,
    messages.MESSAGE: messages.StoredMessage,
    messages.MESSAGE_CHUNK: Chunk,
    messages.MESSAGE_DONE: StreamDone,
    messages.ACTION_PLAN: ActionPlan,
    messages.CONFIRMATION_REQUIRED: ConfirmationRequired,
    messages.TASK_COMPLETE: TaskEnd,
    messages.TASK_ABORTED: TaskEnd,
    messages.SESSION_TAKEN_OVER: TakenOver,
    messages.SESSION_EXPIRED: SessionEnded,
    messages.SESSION_DELETED: SessionEnded,
    messages.HISTORY_LOST: SessionEnded,
    messages.PRESENCE: Presence,
    messages.ERROR: ErrorBody,
}
