"""The model's two tools: page steps, and a question to the visitor. Its calls are untrusted text."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from leflux.agents.base import Ask, Plan, PlannedStep, Target
from leflux.tasks.checks import MAX_WITHIN_MS
from leflux.tasks.elements import identified
from leflux.tasks.plans import NEEDS, Action, Expect

MAX_ARGUMENTS = 32_768
_TEXT: dict[str, Any] = {"type": "string"}
_TARGET = {
    "type": "object",
    "description": "The element by its visible role and name; selector only when nothing else identifies it.",
    "properties": {"role": _TEXT, "name": _TEXT, "label": _TEXT, "selector": _TEXT},
}
_EXPECT = {
    "type": "object",
    "description": "What must be true of the page afterwards; give it for a step that sends, buys or books.",
    "properties": {
        "url": _TEXT,
        "text": {"type": "string", "description": "A text that the page then shows."},
        "element": _TARGET,
        "gone": _TARGET,
        "within": {"type": "integer", "description": "Milliseconds that the page has for it."},
    },
}
_STEP = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": list(NEEDS)},
        "target": _TARGET,
        "element_id": {"type": "string", "description": "The element's id in the page data, if it has one."},
        "url": {"type": "string", "description": "Where a navigate goes, or the page that a click leads to."},
        "value": {"type": "string", "description": "What to type or select."},
        "wait_ms": {"type": "integer"},
        "expect": _EXPECT,
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


class MalformedCall(Exception):
    """The model called an unknown tool, or sent invalid arguments."""


class _Expect(Struct):
    url: str | None = None
    text: str | None = None
    element: dict[str, str | None] | None = None
    gone: dict[str, str | None] | None = None
    within: int | None = None


class _Step(Struct):
    action: Action
    target: dict[str, str | None] | None = None
    element_id: str | None = None
    url: str | None = None
    value: str | None = None
    wait_ms: int | None = None
    description: str = ""
    expect: _Expect | None = None


class _ActArguments(Struct):
    steps: Annotated[list[_Step], Meta(min_length=1)]
    say: Annotated[str, Meta(max_length=2_000)] = ""
    confirm: Annotated[str, Meta(max_length=1_000)] | None = None


class _AskArguments(Struct):
    question: Annotated[str, Meta(min_length=1, max_length=2_000)]


def parse_call(name: str, arguments: str, page: dict[str, Any]) -> Plan | Ask:
    """The event of a tool call by a model that was shown this `page`. Raises `MalformedCall`."""
    try:
        if name == "act":
            return _plan(msgspec.json.decode(arguments, type=_ActArguments), page)
        if name == "ask":
            return Ask(msgspec.json.decode(arguments, type=_AskArguments).question)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedCall(f"{name}: {error}") from None
    raise MalformedCall(f"there is no tool {name[:64]!r}")


def _plan(call: _ActArguments, page: dict[str, Any]) -> Plan:
    steps = [identified(_planned(step), page) for step in call.steps]
    return Plan(steps, say=call.say, confirm=call.confirm, follow_up=True)


def _planned(step: _Step) -> PlannedStep:
    return PlannedStep(
        action=step.action,
        target=_target(step.target),
        element_id=step.element_id or None,
        url=step.url or None,
        value=step.value if step.action in ("type", "select") else step.value or None,
        wait_ms=step.wait_ms,
        description=step.description,
        expect=None if step.expect is None else _expected(step.expect),
    )


def _expected(expect: _Expect) -> Expect | None:
    """What the model expects, None when it names nothing."""
    element, gone = _target(expect.element), _target(expect.gone)
    if not (expect.url or expect.text or element or gone):
        return None
    within = None if expect.within is None else max(0, min(expect.within, MAX_WITHIN_MS))
    return Expect(expect.url or None, expect.text or None, element, gone, within)


def _target(named: dict[str, str | None] | None) -> Target | None:
    keys = ("role", "name", "label", "selector")
    found = {key: (named or {}).get(key) or None for key in keys}
    return Target(**found) if any(found.values()) else None
