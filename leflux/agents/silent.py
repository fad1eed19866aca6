"""`agent.kind: none`: visitors' words are stored and answered by nobody here."""

from collections.abc import AsyncGenerator

from leflux.agents.base import AgentEvent, Done, Turn


class SilentAgent:
    """Ends each turn at once. Turns are not opened for it; it exists so that one left open by another agent ends."""

    async def reply(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]:
        del turn
        yield Done()

    async def close(self) -> None:
        return None
