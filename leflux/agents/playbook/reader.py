"""Reads a playbook: the owner's tasks. Errors name the file and the path."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from leflux.common.durations import Duration
from leflux.common.words import suggestion
from leflux.config import Document, Reader, Strict
from leflux.tasks.checks import MAX_WITHIN_MS
from leflux.tasks.plans import NEEDS, WRITES, Action, Expect, PlannedStep, Target

FIELDS = ("name", "email", "phone")
PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
QUOTES = ("title", "status")
_QUOTE = re.compile(r"\{page\.(\w*)\}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class ExpectEntry(Strict, frozen=True):
    """What must be true of the page after a step. `element` and `gone` are elements as `target` is; `within` is a
    duration.
    """

    url: str | None = None
    text: str | None = None
    element: str | Target | None = None
    gone: str | Target | None = None
    within: str | int | float | None = None


class StepEntry(Strict, frozen=True):
    """`target` is an element's name, or `{role, name, label, selector}`. The `value` of a wait is a duration.

    The `url` of a click is the page that it leads to.
    """

    action: Action
    target: str | Target | None = None
    url: str | None = None
    value: str | int | float | None = None
    description: str = ""
    expect: ExpectEntry | None = None


class Choice(Strict, frozen=True):
    """What a visitor chooses among `options`, asked for with `ask`. With a `default` it is not asked for."""

    ask: str
    options: list[str]
    default: str | None = None


class TaskEntry(Strict, frozen=True):
    id: str
    match: list[str]
    steps: list[StepEntry]
    choices: dict[str, Choice] = msgspec.field(default_factory=dict)
    say: str = ""
    confirm: str | None = None
    done: str = ""


class _File(Strict, frozen=True):
    tasks: list[TaskEntry]


class PlaybookTask(Struct, frozen=True):
    """A task that can run. `asks`: the data that it needs, in order: its choices and then the visitor's."""

    id: str
    phrases: tuple[str, ...]
    say: str
    confirm: str | None
    done: str
    steps: tuple[PlannedStep, ...]
    asks: tuple[str, ...]
    choices: dict[str, Choice]


# Roles of elements that tell by themselves whether a click has worked.
_TELLING = frozenset({"checkbox", "radio", "switch", "option", "tab", "menuitemcheckbox", "menuitemradio"})


def unverified(tasks: Sequence[PlaybookTask]) -> list[str]:
    """The steps of which nobody can tell whether they worked, by their paths."""
    return [
        f"$.tasks[{number}].steps[{index}]"
        for number, task in enumerate(tasks)
        for index, step in enumerate(task.steps)
        if step.action == "click" and step.url is None and step.expect is None
        if step.target is None or step.target.role not in _TELLING
    ]


def load_playbook(path: str | Path) -> tuple[PlaybookTask, ...]:
    """The tasks of a file. Raises `ConfigError` with every problem."""
    document = Document(Path(path))
    entries = read_entries(document)
    if not entries:
        document.fail("$.tasks", "Expected at least one task")
    for index, entry in enumerate(entries):
        if any(entry.id == other.id for other in entries[:index]):
            document.fail(f"$.tasks[{index}].id", f"the id {entry.id!r} is used twice")
    tasks = tuple(_task(entry, document, f"$.tasks[{index}]") for index, entry in enumerate(entries))
    document.finish()
    return tasks


def read_entries(document: Document) -> list[TaskEntry]:
    """The tasks as they are written. Raises `ConfigError`."""
    found = Reader(document, _File).read()
    document.finish()
    entries: list[TaskEntry] = found.tasks
    return entries


def normalize(text: str) -> str:
    """Lower-case words with one space between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _task(entry: TaskEntry, document: Document, path: str) -> PlaybookTask:
    if not _ID.fullmatch(entry.id):
        document.fail(f"{path}.id", f"Expected letters, digits, - and _, got {entry.id!r}")
    phrases = tuple(normalize(phrase) for phrase in entry.match)
    if not phrases or not all(phrases):
        document.fail(f"{path}.match", "Expected phrases with at least one word")
    if not entry.steps:
        document.fail(f"{path}.steps", "Expected at least one step")
    steps = tuple(_step(step, document, f"{path}.steps[{index}]") for index, step in enumerate(entry.steps))
    _check_choices(entry, document, path)
    texts = {"say": entry.say, "confirm": entry.confirm or "", "done": entry.done}
    asks: list[str] = []
    for key, text in _filled_texts(entry, steps):
        asks += _placeholders(text, entry, document, f"{path}.{key}")
    _quotes(texts, document, path)
    needed = tuple(name for name in (*entry.choices, *FIELDS) if name in asks)
    return PlaybookTask(entry.id, phrases, entry.say, entry.confirm, entry.done, steps, needed, entry.choices)


def _filled_texts(entry: TaskEntry, steps: Sequence[PlannedStep]) -> Iterator[tuple[str, str]]:
    """The texts that may have placeholders, by their paths."""
    yield from (("say", entry.say), ("confirm", entry.confirm or ""), ("done", entry.done))
    for index, step in enumerate(steps):
        for key in ("value", "description", "url"):
            yield f"steps[{index}].{key}", getattr(step, key) or ""
        for key in ("url", "text"):
            yield f"steps[{index}].expect.{key}", getattr(step.expect, key, None) or ""


def _check_choices(entry: TaskEntry, document: Document, path: str) -> None:
    for name, choice in entry.choices.items():
        at = f"{path}.choices.{name}"
        if name in FIELDS or not PLACEHOLDER.fullmatch("{" + name + "}"):
            document.fail(at, f"Expected a name of letters, digits and _ other than {', '.join(FIELDS)}")
        if not choice.options or not all(map(normalize, choice.options)):
            document.fail(f"{at}.options", "Expected options with at least one word")
        if choice.default is not None and choice.default not in choice.options:
            document.fail(f"{at}.default", f"Expected one of the options, got {choice.default!r}")


def _step(entry: StepEntry, document: Document, path: str) -> PlannedStep:
    for key in NEEDS[entry.action]:
        if getattr(entry, key) in (None, ""):
            document.fail(f"{path}.{key}", f"a {entry.action} needs a {key}")
    value = None if entry.value is None else str(entry.value)
    wait_ms = None
    if entry.action == "wait":
        wait_ms, value = _milliseconds(entry.value, document, f"{path}.value"), None
    elif entry.action not in WRITES and value is not None:
        document.fail(f"{path}.value", f"a {entry.action} has no value")
    expect = None if entry.expect is None else _expect(entry.expect, document, f"{path}.expect")
    return PlannedStep(
        entry.action, _target(entry.target), None, entry.url, value, wait_ms, entry.description, expect=expect
    )


def _target(entry: str | Target | None) -> Target | None:
    return Target(name=entry) if isinstance(entry, str) else entry


def _expect(entry: ExpectEntry, document: Document, path: str) -> Expect:
    element, gone = _target(entry.element), _target(entry.gone)
    named = (each.name or each.label or each.selector or each.role for each in (element, gone) if each is not None)
    if not any([entry.url, entry.text, *named]):
        document.fail(path, "Expected a url, a text, an element or a gone")
    within = None if entry.within is None else _milliseconds(entry.within, document, f"{path}.within")
    if within is not None and not 0 <= within <= MAX_WITHIN_MS:
        document.fail(f"{path}.within", f"Expected at most {MAX_WITHIN_MS // 1000}s, got {entry.within!r}")
    return Expect(entry.url, entry.text, element, gone, within)


def _milliseconds(value: Any, document: Document, path: str) -> int:
    try:
        return round(Duration.parse(value) * 1000)
    except ValueError as error:
        document.fail(path, str(error))
        return 0


def _quotes(texts: dict[str, str], document: Document, path: str) -> None:
    """Check `{page.title}` and the like, which only the end of a task may quote."""
    for key, text in texts.items():
        for name in _QUOTE.findall(text):
            if key != "done" or name not in QUOTES:
                document.fail(
                    f"{path}.{key}", f"{{page.{name}}}: only `done` may quote {{page.title}} or {{page.status}}"
                )


def _placeholders(text: str, entry: TaskEntry, document: Document, path: str) -> list[str]:
    names = PLACEHOLDER.findall(text)
    allowed = (*FIELDS, *entry.choices)
    for name in names:
        if name not in allowed:
            *most, last = (f"{{{each}}}" for each in allowed)
            expected = f"Expected {', '.join(most)} or {last}"
            document.fail(path, f"{expected}, got {{{name}}}{suggestion(name, allowed)}")
    return names
