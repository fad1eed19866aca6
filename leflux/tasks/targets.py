"""Which elements the steps that are left mean, as long as the page that they were meant for can tell."""

from typing import Any

from msgspec.structs import replace

from leflux.tasks.elements import only
from leflux.tasks.model import TaskState, same_page
from leflux.tasks.plans import Target


def pinned(state: TaskState, context: dict[str, Any]) -> TaskState:
    """The task with the element of each step that runs on the described page and names one of it exactly.

    A name may fit loosely on the page that it was written for. On one that was loaded again only the same element, by
    role and name, will do; otherwise the visitor is asked. Names that fit loosely already, or twice, stay as they are.
    """
    url = context.get("url")
    steps = list(state.steps)
    for index, step in enumerate(steps[state.cursor :], state.cursor):
        if not isinstance(url, str) or not same_page(step.expect_url, url):
            break
        element = only(step.target, context) if step.element_id is None else None
        if element is not None:
            steps[index] = replace(step, element_id=element.id, target=Target(role=element.role, name=element.name))
        if step.url is not None:
            break
    return replace(state, steps=tuple(steps))
