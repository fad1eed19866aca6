"""Answers `echo: <text>` word by word; for tests and load."""

import asyncio
import re
from collections.abc import AsyncGenerator

from leflux.agents.base import AgentEvent, Delta, Done, Question

_WORDS = re.compile(r"\S+\s*|\s+")


class EchoAgent:
    """`delay` (seconds) between two chunks makes the stream visible and interruptible in tests."""

    def __init__(self, delay: float = 0.0) -> None:
        self._delay = delay

    async def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        for word in _WORDS.findall(f"echo: {question.message.text}"):
            yield Delta(word)
            if self._delay:
                await asyncio.sleep(self._delay)
        yield Done()

    async def close(self) -> None:
        return None
