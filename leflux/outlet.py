"""The way out to a visitor, as everything below the sockets sees it."""

from typing import Any, Protocol


class Outlet(Protocol):
    """Where events for a session's visitor go, whichever process holds the socket. May lose them.

    `seq`: of the message that the event carries.
    """

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None: ...
