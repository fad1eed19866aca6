"""Reads a playbook: the tasks that a site's owner has written down. Its errors name the file and the path."""

import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from leflux.config import ConfigError, Strict, decode_setting, parse_yaml
from leflux.durations import Duration
from leflux.plans import Action, PlannedStep, Target

FIELDS = ("name", "email", "phone")
PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_NEEDS: dict[str, tuple[str, ...]] = {
    "click": ("target",),
    "type": ("target", "value"),
    "select": ("target", "value"),
    "scroll_to": ("target",),
    "navigate": ("url",),
    "wait": ("value",),
}


class StepEntry(Strict, frozen=True):
    """`target` is an element's name, or `{role, name, label, selector}`; a wait's `value` is a duration.

    The `url` of a click is the page it leads to.
    """

    action: Action
    target: str | Target | None = None
    url: str | None = None
    value: str | int | float | None = None
    description: str = ""


class TaskEntry(Strict, frozen=True):
    id: str
    match: list[str]
    steps: list[StepEntry]
    say: str = ""
    confirm: str | None = None
    done: str = ""


class _File(Strict, frozen=True):
    tasks: list[TaskEntry]


class PlaybookTask(Struct, frozen=True):
    """A task that can be run; `asks` are the visitor's data that it needs, in the order in which it needs them."""

    id: str
    phrases: tuple[str, ...]
    say: str
    confirm: str | None
    done: str
    steps: tuple[PlannedStep, ...]
    asks: tuple[str, ...]


def load_playbook(path: str | Path) -> tuple[PlaybookTask, ...]:
    """The tasks of a file. Raises `ConfigError`."""
    file = Path(path)
    try:
        entries = msgspec.convert(parse_yaml(file), _File, dec_hook=decode_setting).tasks
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {error}") from None
    if not entries:
        raise ConfigError(f"{file}: Expected at least one task - at `$.tasks`")
    tasks = tuple(_task(entry, file, f"$.tasks[{index}]") for index, entry in enumerate(entries))
    for index, task in enumerate(tasks):
        if any(task.id == other.id for other in tasks[:index]):
            raise ConfigError(f"{file}: the id {task.id!r} is used twice - at `$.tasks[{index}].id`")
    return tasks


def normalize(text: str) -> str:
    """Words only, lower case, one space between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _task(entry: TaskEntry, file: Path, path: str) -> PlaybookTask:
    if not _ID.fullmatch(entry.id):
        raise ConfigError(f"{file}: Expected letters, digits, - and _ - at `{path}.id`")
    phrases = tuple(normalize(phrase) for phrase in entry.match)
    if not phrases or not all(phrases):
        raise ConfigError(f"{file}: Expected phrases with at least one word - at `{path}.match`")
    if not entry.steps:
        raise ConfigError(f"{file}: Expected at least one step - at `{path}.steps`")
    steps = tuple(_step(step, file, f"{path}.steps[{index}]") for index, step in enumerate(entry.steps))
    texts = {"say": entry.say, "confirm": entry.confirm or "", "done": entry.done}
    asks = [name for key, text in texts.items() for name in _placeholders(text, file, f"{path}.{key}")]
    for index, step in enumerate(steps):
        for key in ("value", "description", "url"):
            asks += _placeholders(getattr(step, key) or "", file, f"{path}.steps[{index}].{key}")
    return PlaybookTask(
        entry.id, phrases, entry.say, entry.confirm, entry.done, steps, tuple(name for name in FIELDS if name in asks)
    )


def _step(entry: StepEntry, file: Path, path: str) -> PlannedStep:
    for key in _NEEDS[entry.action]:
        if getattr(entry, key) in (None, ""):
            raise ConfigError(f"{file}: a {entry.action} needs a {key} - at `{path}.{key}`")
    value = None if entry.value is None else str(entry.value)
    wait_ms = None
    if entry.action == "wait":
        wait_ms, value = _milliseconds(entry.value, file, f"{path}.value"), None
    elif entry.action not in ("type", "select") and value is not None:
        raise ConfigError(f"{file}: a {entry.action} has no value - at `{path}.value`")
    target = Target(name=entry.target) if isinstance(entry.target, str) else entry.target
    return PlannedStep(entry.action, target, None, entry.url, value, wait_ms, entry.description)


def _milliseconds(value: Any, file: Path, path: str) -> int:
    try:
        return round(Duration.parse(value) * 1000)
    except ValueError as error:
        raise ConfigError(f"{file}: {error} - at `{path}`") from None


def _placeholders(text: str, file: Path, path: str) -> list[str]:
    names = PLACEHOLDER.findall(text)
    for name in names:
        if name not in FIELDS:
            raise ConfigError(f"{file}: Expected {{name}}, {{email}} or {{phone}}, got {{{name}}} - at `{path}`")
    return names
