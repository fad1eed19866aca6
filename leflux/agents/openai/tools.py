"""The two tools that a model has: steps on the page, and a question to the visitor. Its calls are untrusted text."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from leflux.agents.base import Ask, Plan, PlannedStep, Target
from leflux.elements import identified, meant
from leflux.plans import Action

MAX_ARGUMENTS = 32_768
_TEXT: dict[str, Any] = {"type": "string"}
_TARGET = {
    "type": "object",
    "description": "The element by its visible role and name; selector only when nothing else identifies it.",
    "properties": {"role": _TEXT, "name": _TEXT, "label": _TEXT, "selector": _TEXT},
}
_STEP = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": ["click", "type", "select", "scroll_to", "navigate", "wait"]},
        "target": _TARGET,
        "element_id": {"type": "string", "description": "The element's id in the page data, if it has one."},
        "url": {"type": "string", "description": "Where a navigate goes, or the page that a click leads to."},
        "value": {"type": "string", "description": "What to type or select."},
        "wait_ms": {"type": "integer"},
        "description": {"type": "string", "description": "A few words for the visitor."},
    },
    "required": ["action", "description"],
}
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "act",
            "description": "Run steps on the visitor's page. You are told afterwards what came of them.",
            "parameters": {
                "type": "object",
                "properties": {
                    "say": {"type": "string", "description": "Told to the visitor first."},
                    "confirm": {"type": "string", "description": "Asked before steps that submit, buy or delete."},
                    "steps": {"type": "array", "items": _STEP},
                },
                "required": ["steps"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "ask",
            "description": "Ask the visitor for something that you need before you can go on.",
            "parameters": {"type": "object", "properties": {"question": _TEXT}, "required": ["question"]},
        },
    },
]
_GRAVE = re.compile(
    r"\b(?:delete|remove|erase|unsubscribe|close (?:my |the )?account|pay|buy|purchase|order now|place (?:the )?order"
    r"|checkout|submit|send|confirm|transfer|book)\b",
    re.IGNORECASE,
)


class MalformedCall(Exception):
    """The model called a tool that it does not have, or with arguments that are none."""


class _Step(Struct):
    action: Action
    target: dict[str, str | None] | None = None
    element_id: str | None = None
    url: str | None = None
    value: str | None = None
    wait_ms: int | None = None
    description: str = ""


class _Act(Struct):
    steps: Annotated[list[_Step], Meta(min_length=1)]
    say: Annotated[str, Meta(max_length=2_000)] = ""
    confirm: Annotated[str, Meta(max_length=1_000)] | None = None


class _Question(Struct):
    question: Annotated[str, Meta(min_length=1, max_length=2_000)]


def parse_call(name: str, arguments: str, page: dict[str, Any]) -> Plan | Ask:
    """What a tool call means to a model that was shown this `page`. Raises `MalformedCall`."""
    try:
        if name == "act":
            return _plan(msgspec.json.decode(arguments, type=_Act), page)
        if name == "ask":
            return Ask(msgspec.json.decode(arguments, type=_Question).question)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedCall(f"{name}: {error}") from None
    raise MalformedCall(f"there is no tool {name[:64]!r}")


def _plan(call: _Act, page: dict[str, Any]) -> Plan:
    steps = [identified(_planned(step), page) for step in call.steps]
    return Plan(steps, say=call.say, confirm=call.confirm or _consent(steps, page), follow_up=True)


def _planned(step: _Step) -> PlannedStep:
    target = None
    if step.target:
        keys = ("role", "name", "label", "selector")
        target = Target(**{key: step.target.get(key) or None for key in keys})
    return PlannedStep(
        action=step.action,
        target=target,
        element_id=step.element_id or None,
        url=step.url or None,
        value=step.value if step.action in ("type", "select") else step.value or None,
        wait_ms=step.wait_ms,
        description=step.description,
    )


def _consent(steps: list[PlannedStep], page: dict[str, Any]) -> str | None:
    """A click that is hard to take back, or of which nobody can tell, is never left to the model alone."""
    for step in steps:
        if step.action == "click" and (called := _grave(step, page)) is not None:
            # The visitor agrees to what the page calls it, not to what the model does.
            said = step.description if called.casefold() in step.description.casefold() else ""
            told = said or f"{step.description}: {called}".removeprefix(": ")
            return f"May I do this for you: “{told}”?"
    return None


def _grave(step: PlannedStep, page: dict[str, Any]) -> str | None:
    """What such a click is on. The model's own words for it may be too few, or false: those of the page count too."""
    target = step.target or Target()
    element = meant(step, page)
    words = [step.description, target.name or "", target.label or "", element.name if element is not None else ""]
    if not any(_GRAVE.search(word) for word in words) and not target.selector:
        return None
    return words[3] or words[1] or words[2] or target.selector or ""
