"""`agent.kind: none`: stores messages and answers nothing."""

from collections.abc import AsyncGenerator

from leflux.agents.base import AgentEvent, Done, Question


class SilentAgent:
    """Ends each question without an answer. It closes questions that another agent left open."""

    async def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        del question
        yield Done()

    async def close(self) -> None:
        return None
