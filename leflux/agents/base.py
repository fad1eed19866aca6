"""The agent interface.

An agent is an object with `reply(turn)`, an asynchronous iterator of events. It holds no state of a session:
everything comes with the turn, so that any process can answer, also again after a crash.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from leflux.plans import Action, Plan, PlannedStep, Target
from leflux.wire import StoredMessage

__all__ = [
    "Action",
    "Agent",
    "AgentEvent",
    "Ask",
    "Delta",
    "Done",
    "Plan",
    "PlannedStep",
    "Target",
    "Turn",
]


class Turn(Struct, frozen=True):
    """One question. `history` loads up to `n` messages before it, oldest first; `context` the page and prior history.

    Both are untrusted text. `results` is None for a visitor's message; after a plan with `follow_up` the question is
    a `system` message, and `results` says of each step `{action, description, status}`.
    """

    site_id: str
    session_id: str
    question: StoredMessage
    history: Callable[[int], Awaitable[list[StoredMessage]]]
    context: Callable[[], Awaitable[tuple[bytes | None, bytes | None]]]
    results: list[dict[str, Any]] | None = None


class Delta(Struct, frozen=True):
    """The next piece of the answer's text."""

    text: str


class Done(Struct, frozen=True):
    """The answer is complete. `data` (JSON) travels with the message, such as its sources."""

    data: Any = None


class Ask(Struct, frozen=True):
    """A question to the visitor; ends the reply. `name` is the visitor's datum that the answer will be."""

    text: str
    name: str | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)


AgentEvent = Delta | Done | Plan | Ask


class Agent(Protocol):
    """Answers one turn. Whatever it raises becomes one `error` message for the visitor.

    Text that comes before a `Plan` or an `Ask` is put in front of its own.
    """

    def reply(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]: ...

    async def close(self) -> None: ...
