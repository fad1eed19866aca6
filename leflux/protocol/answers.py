"""What the visitor's HTTP calls and events are answered with (docs/protocol.md#http)."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from leflux.protocol.messages import Limits, MessageJson, PersonShown, Retention, SiteConfigJson, Stream, TaskJson


class InitAnswer(Struct, rename="camel"):
    session_id: str
    created_at: int
    seq: int
    history: list[MessageJson]
    site_config: SiteConfigJson
    retention: Retention
    message_log: bool
    limits: Limits


class SessionInfo(Struct, rename="camel"):
    """The answer to `GET /api/session/<id>`: a restore without history."""

    session_id: str
    restored: bool
    created_at: int
    last_activity: int
    seq: int
    truncated: bool
    task: TaskJson | None
    streams: list[Stream]
    person: PersonShown | None
    site_config: SiteConfigJson
    retention: Retention
    message_log: bool
    limits: Limits


class RestoreAnswer(SessionInfo):
    """`since`: what `history` comes after: the request's, or 0 when its `check` did not fit."""

    history: list[MessageJson] = []
    since: int = 0


class Joined(Struct, rename="camel"):
    """The payload of `session_joined`, and the acknowledgement of `join_session`."""

    session_id: str
    restored: bool
    seq: int
    history: list[MessageJson]
    truncated: bool
    task: TaskJson | None
    streams: list[Stream]
    epoch: int
    person: PersonShown | None
    ok: bool = True


class MessagePage(Struct, rename="camel"):
    messages: list[MessageJson]
    more: bool


class HiddenSecrets(Struct, frozen=True):
    """The `data` of a visitor's message of which something was hidden."""

    hidden: list[str]


class Sent(Struct, rename="camel"):
    """`text` and `data`: the message as it is stored, when something of it was hidden."""

    message_id: str
    seq: int
    ok: bool = True
    session_id: str | UnsetType = UNSET  # The earlier session that stored the message, and that `seq` belongs to.
    text: str | UnsetType = UNSET
    data: HiddenSecrets | UnsetType = UNSET


class Chatted(Struct, rename="camel"):
    """`text` and `data` as in `Sent`."""

    message_id: str
    seq: int
    status: Literal["processing"] = "processing"
    session_id: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    data: HiddenSecrets | UnsetType = UNSET


class DeletedCounts(Struct, rename="camel"):
    sessions: int
    messages: int
    logged: int
    tasks: int


class DeleteAnswer(Struct, rename="camel"):
    """`pending` names the stores that have yet to confirm the deletion, which they will."""

    deleted: DeletedCounts
    pending: list[str] | UnsetType = UNSET
    success: bool = True
