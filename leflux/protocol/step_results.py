"""What a page reports of a step, and the journal that it keeps of it (docs/protocol.md#tasks)."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

URL_CHARS: Final = 4096
Url = Annotated[str, Meta(max_length=URL_CHARS)]
PageId = Annotated[str, Meta(max_length=64)]
Id = Annotated[str, Meta(max_length=64)]
Short = Annotated[str, Meta(max_length=1_000)]


class FieldProblem(Struct, rename="camel"):
    """A field that a form does not accept, and what the browser or the page says about it."""

    name: Short
    message: Short = ""


class Seen(Struct, rename="camel"):
    """What a page shows: its title, its first heading, and the text of its status and alert elements."""

    title: Short = ""
    heading: Short = ""
    status: Short = ""
    alert: Short = ""


class ActionResult(Struct, rename="camel"):
    """The result of a step. `error` `element_missing`, `covered`, `ambiguous`, `consent_needed`, `invalid_form` and
    `interrupted` make the server ask the visitor; any other error ends the task. `description`: what the error is
    about. `url`: the page that the visitor is on now. `fields`: those of an `invalid_form`. `status`: the HTTP status
    of a `page_failed`. `seen`: what the page shows.
    """

    success: bool
    element_id: Short | None = None
    description: Short | None = None
    error: Short | None = None
    url: Url | None = None
    fields: Annotated[list[FieldProblem], Meta(max_length=20)] | None = None
    status: int | None = None
    seen: Seen | None = None


class TaskJournal(Struct, rename="camel"):
    """What a tab has written down about a task: the step `action_id` that its page instance `page` ran last.

    `state`: `begun`, it is unknown whether the step has run; `undone`, it has surely not; `dispatched`, it has, and its
    outcome is being watched; `arrived`, it has led to the page that joins; `done`, with the `result`. `left`: the page
    instance has ended in order, so a step without a line has surely not run. `stopped`: the visitor has stopped the
    task.
    """

    task_id: Id
    page: PageId
    left: bool = False
    stopped: bool = False
    action_id: Id | None = None
    state: Literal["begun", "undone", "dispatched", "arrived", "done"] | None = None
    result: ActionResult | None = None
