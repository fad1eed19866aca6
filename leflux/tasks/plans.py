"""The steps that an agent plans on the visitor's page. They are untrusted until `leflux.tasks.checks` accepts them."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

Action = Literal["click", "type", "select", "scroll_to", "navigate", "wait"]
NEEDS: dict[Action, tuple[str, ...]] = {
    "click": ("target",),
    "type": ("target", "value"),
    "select": ("target", "value"),
    "scroll_to": ("target",),
    "navigate": ("url",),
    "wait": ("value",),
}
NEEDS_ELEMENT = frozenset(action for action, needs in NEEDS.items() if "target" in needs)
WRITES = frozenset(action for action in NEEDS_ELEMENT if "value" in NEEDS[action])


class Target(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which element, by what a person would call it; `selector` is the last resort."""

    role: str | None = None
    name: str | None = None
    label: str | None = None
    selector: str | None = None


class Expect(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What must be true of the page after a step: its address, a text that it shows, an element that it has, one that
    is gone. `within`: milliseconds that the page has for it.
    """

    url: str | None = None
    text: str | None = None
    element: Target | None = None
    gone: Target | None = None
    within: int | None = None


class PlannedStep(Struct, frozen=True, omit_defaults=True):
    """One step. `url` is where a navigate goes, or the page that a click leads to.

    `guarded`: the visitor has not agreed to this click by its name, so the page asks before a grave one.
    """

    action: Action
    target: Target | None = None
    element_id: str | None = None
    url: str | None = None
    value: str | None = None
    wait_ms: int | None = None
    description: str = ""
    guarded: bool = False
    expect: Expect | None = None


class Plan(Struct, frozen=True):
    """Steps to run on the visitor's page; ends the reply.

    `say` is told first, `confirm` is asked before anything runs, `done` is told when all steps are done.
    `done` may quote the page that is then shown: `{page.title}`, `{page.status}`.
    With `follow_up` the agent is asked again instead, with the results. The steps of a plan that is `by_owner` were
    written by the site's owner, who decides what is asked before them; before any other's grave clicks the visitor is.
    """

    steps: list[PlannedStep]
    say: str = ""
    confirm: str | None = None
    done: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    follow_up: bool = False
    by_owner: bool = False
