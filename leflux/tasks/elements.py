"""Which element a step means, by the page's own description.

A page numbers its elements anew at each load, so after a reload an id may belong to another element. Role and
accessible name stay the same; a step is recorded with them.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from leflux.tasks.plans import PlannedStep, Target

# As many elements, and characters of a name, as the widget tells of.
MOST = 120
NAME_CHARS = 120


class Element(Struct, frozen=True):
    """What the page calls an element; "" where it says nothing. `submits`: a click on it submits a form."""

    id: str
    role: str
    name: str
    submits: bool = False


def elements(context: dict[str, Any]) -> list[Element]:
    """The elements that a description lists; what is none of a description's shape is left out."""
    listed = context.get("elements")
    if not isinstance(listed, list):
        return []
    return [_element(entry) for entry in listed if isinstance(entry, dict)]


def _element(entry: dict[str, Any]) -> Element:
    def text(*keys: str) -> str:
        return next((value for key in keys if isinstance(value := entry.get(key), str) and value), "")

    return Element(text("id", "elementId"), text("role"), _plain(text("name", "label")), entry.get("submits") is True)


def identified(step: PlannedStep, context: dict[str, Any]) -> PlannedStep:
    """The step with the role and the name of the element whose id it names.

    A step that also says otherwise keeps what it says: the page then looks for that.
    """
    found = next((each for each in elements(context) if step.element_id and each.id == step.element_id), None)
    if found is None or not (step.target is None or _agrees(step.target, found)):
        return step
    return msgspec.structs.replace(step, target=Target(role=found.role or None, name=found.name or None))


def _agrees(target: Target, element: Element) -> bool:
    wanted = _key(target.name or target.label or "")
    return target.role in (None, element.role) and wanted in _key(element.name)


def meant(step: PlannedStep, context: dict[str, Any]) -> Element | None:
    """The element that the page would take: by the id, else by its whole name, by how it begins, by a part of it."""
    target = step.target
    listed = elements(context)
    if target is None or not (target.name or target.label):
        return next((each for each in listed if step.element_id and each.id == step.element_id), None)
    wanted = _key(target.name or target.label or "")
    named = [(each, _key(each.name)) for each in listed if target.role in (None, each.role)]
    fits: list[Callable[[str], bool]] = [
        lambda name: name == wanted,
        lambda name: name.startswith(wanted),
        lambda name: wanted in name,
    ]
    hits = (each for fit in fits for each, name in named if fit(name))
    return next(hits, None)


def only(target: Target | None, context: dict[str, Any]) -> Element | None:
    """The one element that is called just so; None when there is none or several, or a selector decides."""
    wanted = _key((target.name or target.label or "") if target is not None else "")
    if target is None or target.selector or not wanted:
        return None
    hits = [each for each in elements(context) if target.role in (None, each.role) and _key(each.name) == wanted]
    return hits[0] if len(hits) == 1 and hits[0].id and hits[0].role else None


def lacks(target: Target | None, context: dict[str, Any]) -> bool:
    """Whether the page, as it describes itself, surely does not have the target."""
    listed = elements(context)
    if target is None or target.selector or not (target.name or target.label):
        return False
    if "elements" not in context or len(listed) >= MOST:
        return False
    return meant(PlannedStep("click", target), context) is None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _key(text: str) -> str:
    return _plain(text)[:NAME_CHARS].casefold()
