"""The agent interface.

An agent is an object with `reply(turn)`, an asynchronous iterator of events. It holds no state of a session:
everything comes with the turn, so that any process can answer, also again after a crash.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from leflux.wire import StoredMessage

Action = Literal["click", "type", "select", "scroll_to", "navigate", "wait"]


class Turn(Struct, frozen=True):
    """One question. `history` loads up to `n` messages before it, oldest first; `context` the page and prior history.

    Both are untrusted text.
    """

    site_id: str
    session_id: str
    question: StoredMessage
    history: Callable[[int], Awaitable[list[StoredMessage]]]
    context: Callable[[], Awaitable[tuple[bytes | None, bytes | None]]]


class Delta(Struct, frozen=True):
    """The next piece of the answer's text."""

    text: str


class Done(Struct, frozen=True):
    """The answer is complete. `data` (JSON) travels with the message, such as its sources."""

    data: Any = None


class Target(Struct, frozen=True, omit_defaults=True):
    """Which element, by what a person would call it; `selector` is the last resort."""

    role: str | None = None
    name: str | None = None
    label: str | None = None
    selector: str | None = None


class PlannedStep(Struct, frozen=True, omit_defaults=True):
    """One step as an agent wishes it. Untrusted until the server has checked it."""

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
    """

    steps: list[PlannedStep]
    say: str = ""
    confirm: str | None = None
    done: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Ask(Struct, frozen=True):
    """A question to the visitor; ends the reply. `name` is the visitor's datum that the answer will be."""

    text: str
    name: str | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)


AgentEvent = Delta | Done | Plan | Ask


class Agent(Protocol):
    """Answers one turn. Whatever it raises becomes one `error` message for the visitor."""

    def reply(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]: ...

    async def close(self) -> None: ...
