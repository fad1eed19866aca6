"""The bodies of the events that report on a task's steps (PROTOCOL §4)."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from leflux.wire import Url

Short = Annotated[str, Meta(max_length=1_000)]
Id = Annotated[str, Meta(max_length=64)]


class ActionStarted(Struct, rename="camel"):
    session_id: str
    task_id: Id
    action_id: Id


class ActionResult(Struct, rename="camel"):
    """`error` `element_missing` makes the server ask the visitor; any other ends the task. `url`: the page now."""

    success: bool
    element_id: Short | None = None
    description: Short | None = None
    error: Short | None = None
    url: Url | None = None


class ActionComplete(Struct, rename="camel"):
    session_id: str
    action_id: Id
    result: ActionResult
    task_id: Id | None = None


class SequenceResult(Struct, rename="camel"):
    """`error` `cancelled` with `success` false is how a visitor's cancel travels."""

    success: bool
    results: list[Any] = []
    error: Short | None = None


class SequenceComplete(Struct, rename="camel"):
    session_id: str
    result: SequenceResult
    task_id: Id | None = None


class ContinueTask(Struct, rename="camel"):
    session_id: str
    context: dict[str, Any]


class ConfirmationResponse(Struct, rename="camel"):
    """`action_id` may name the question that is answered; a late answer to an older one is then refused."""

    session_id: str
    confirmed: bool
    action_id: Id | None = None
