"""Which clicks are never left to an agent alone: the visitor is asked before one that submits, buys or deletes."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from leflux.tasks.elements import Element, meant
from leflux.tasks.plans import PlannedStep, Target
from leflux.tasks.wording import WordList, normalize

NAMELESS = "something that has no name"
# The words of grave clicks by language.
_FILE = Path(__file__).with_name("grave_clicks.json")
_GRAVE = WordList(
    word for words in msgspec.json.decode(_FILE.read_bytes(), type=dict[str, list[str]]).values() for word in words
)


def guard(steps: list[PlannedStep], context: dict[str, Any], asked: str | None) -> tuple[list[PlannedStep], str | None]:
    """The steps, and what the visitor is asked before them: the agent's own question (`asked`), with what each grave
    click is on, as the page of `context` calls it. The page guards the clicks that the question does not name."""
    graves = {index: called for index, step in enumerate(steps) if (called := _grave(step, context)) is not None}
    guarded = [
        step if step.action != "click" or index in graves else replace(step, guarded=True)
        for index, step in enumerate(steps)
    ]
    if asked is not None:
        unsaid = dict.fromkeys(called for called in graves.values() if called.casefold() not in asked.casefold())
        return guarded, " ".join([asked, *(f"“{called}”" for called in unsaid)])
    return guarded, _question([steps[index] for index in graves], list(graves.values()))


def _question(clicks: list[PlannedStep], names: list[str]) -> str | None:
    """The visitor agrees to what the page calls each click, not to what the model does."""
    if not clicks:
        return None
    told = [
        step.description if called.casefold() in step.description.casefold() else f"{step.description}: {called}"
        for step, called in zip(clicks, names, strict=True)
    ]
    named = ", ".join(f"“{each.strip(': ')}”" for each in dict.fromkeys(told))
    return f"May I do this for you: {named}?"


def _grave(step: PlannedStep, context: dict[str, Any]) -> str | None:
    """What a grave click is on. The agent's own words for it may be too few, or false: those of the page count too."""
    if step.action != "click":
        return None
    target = step.target or Target()
    element = meant(step, context)
    name = element.name if element is not None else ""
    words = [step.description, target.name or "", target.label or "", name]
    if not (target.selector or _is_blind(element) or any(_GRAVE.finds(normalize(word)) for word in words)):
        return None
    return name or target.name or target.label or target.selector or NAMELESS


def _is_blind(element: Element | None) -> bool:
    """The page lists the element and says that it submits a form, or gives it no name."""
    return element is not None and (element.submits or not element.name)
