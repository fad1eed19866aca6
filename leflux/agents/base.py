"""The agent interface.

An agent is an object with `reply(question)`, an asynchronous iterator of events. It holds no state of a session:
everything comes with the question, so that any process can answer, also again after a crash.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from backends.base import Leases, Messages
from leflux.protocol import StoredMessage
from leflux.tasks.plans import Action, Plan, PlannedStep, Target

__all__ = [
    "Action",
    "Agent",
    "AgentEvent",
    "Ask",
    "Delta",
    "Done",
    "Plan",
    "PlannedStep",
    "Question",
    "Target",
    "plan_results",
]


class AnsweringStore(Messages, Leases, Protocol):
    """The part of the session store that answering uses."""


class Question(Struct, frozen=True):
    """One question. `history` loads up to `n` earlier messages, oldest first; `context` loads the page and the prior
    history.

    Both are untrusted text. `results` is None for a visitor's message. After a plan with `follow_up` the question is a
    `system` message, and `results` has `{action, description, status}` of each step.
    """

    site_id: str
    session_id: str
    message: StoredMessage
    history: Callable[[int], Awaitable[list[StoredMessage]]]
    context: Callable[[], Awaitable[tuple[bytes | None, bytes | None]]]
    results: list[dict[str, Any]] | None = None


class Delta(Struct, frozen=True):
    """The next piece of the answer's text."""

    text: str


class Done(Struct, frozen=True):
    """The answer is complete. `data` (JSON) is stored with the message, for example its sources."""

    data: Any = None


class Ask(Struct, frozen=True):
    """A question to the visitor; ends the reply. `name` says which datum of the visitor the answer will be."""

    text: str
    name: str | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)


AgentEvent = Delta | Done | Plan | Ask


class Agent(Protocol):
    """Answers one question. Whatever it raises becomes one `error` message for the visitor.

    Text before a `Plan` or an `Ask` is put in front of its own text.
    """

    def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]: ...

    async def close(self) -> None: ...


def plan_results(message: StoredMessage) -> list[dict[str, Any]] | None:
    """The outcome of each step of the agent's own plan, when the message reports on it."""
    if message.role != "system" or not isinstance(message.data, dict) or not message.data.get("followUp"):
        return None
    results: list[dict[str, Any]] = message.data["results"]
    return results
