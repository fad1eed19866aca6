"""What an agent wishes to do on the visitor's page. Untrusted until `leflux.tasks.checks` has passed it."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

Action = Literal["click", "type", "select", "scroll_to", "navigate", "wait"]


class Target(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which element, by what a person would call it; `selector` is the last resort."""

    role: str | None = None
    name: str | None = None
    label: str | None = None
    selector: str | None = None


class PlannedStep(Struct, frozen=True, omit_defaults=True):
    """One step. `url` is where a navigate goes, or the page that a click leads to."""

    action: Action
    target: Target | None = None
    element_id: str | None = None
    url: str | None = None
    value: str | None = None
    wait_ms: int | None = None
    description: str = ""


class Plan(Struct, frozen=True):
    """Steps to run on the visitor's page; ends the reply.

    `say` is told first, `confirm` is asked before anything runs, `done` is told when all steps are done.
    With `follow_up` the agent is asked again instead, with the results.
    """

    steps: list[PlannedStep]
    say: str = ""
    confirm: str | None = None
    done: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    follow_up: bool = False
