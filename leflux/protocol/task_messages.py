"""The payloads of the events that report on a task (docs/protocol.md#tasks)."""

from typing import Any

from msgspec import Struct

from leflux.protocol.step_results import ActionResult, Id, Seen, Short


class ActionStarted(Struct, rename="camel"):
    session_id: str
    task_id: Id
    action_id: Id


class ActionComplete(Struct, rename="camel"):
    session_id: str
    action_id: Id
    result: ActionResult
    task_id: Id | None = None


class SequenceResult(Struct, rename="camel"):
    """The result of all steps. `error` `cancelled` with `success` false: the visitor cancelled. `seen`: what the page
    shows at the end.
    """

    success: bool
    results: list[Any] = []
    error: Short | None = None
    seen: Seen | None = None


class SequenceComplete(Struct, rename="camel"):
    session_id: str
    result: SequenceResult
    task_id: Id | None = None


class ContinueTask(Struct, rename="camel"):
    session_id: str
    context: dict[str, Any]


class ConfirmationResponse(Struct, rename="camel"):
    """`action_id` names the answered question. A late answer to an older question is then refused."""

    session_id: str
    confirmed: bool
    action_id: Id | None = None
