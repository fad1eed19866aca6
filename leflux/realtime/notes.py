"""Notes between processes, as everything above the bus sees them. A note is a hint and may be lost."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

TAKEN = "taken"
GONE = "gone"
GAP = "gap"
"""Comes from the bus itself, without a payload: the subscription was away, so notes may have been lost."""

NoteHandler = Callable[[dict[str, Any]], Awaitable[None]]


class Bus(Protocol):
    """Sends notes to the other processes. `is_alone`: there are none."""

    @property
    def is_alone(self) -> bool: ...
    def subscribe(self, kind: str, handler: NoteHandler) -> None: ...
    async def tell(self, kind: str, payload: dict[str, Any]) -> None: ...


class NoteHandlers:
    """The subscribers of a bus."""

    def __init__(self) -> None:
        self._handlers: defaultdict[str, list[NoteHandler]] = defaultdict(list)

    def subscribe(self, kind: str, handler: NoteHandler) -> None:
        self._handlers[kind].append(handler)

    async def heard(self, kind: str, payload: dict[str, Any]) -> None:
        for handler in self._handlers.get(kind, ()):
            await handler(payload)
