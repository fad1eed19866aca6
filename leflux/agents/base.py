"""The agent interface.

An agent is an object with `reply(turn)`, an asynchronous iterator of events. It holds no state of a session:
everything comes with the turn, so that any process can answer, also again after a crash.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol

from msgspec import Struct

from leflux.wire import StoredMessage


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


AgentEvent = Delta | Done


class Agent(Protocol):
    """Answers one turn. Whatever it raises becomes one `error` message for the visitor."""

    def reply(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]: ...

    async def close(self) -> None: ...
