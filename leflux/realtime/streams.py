"""Replies in the making, wherever they are made: a process that has not the one that is wanted asks the others."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from backends.records import Session
from leflux import wire
from leflux.realtime.hub import Bus

ASK = "stream?"
ANSWER = "stream"
WAIT = 0.3
"""Seconds: for a bus that is well this is long, and a visitor does not notice it when it is not."""


class Streams:
    """`here(session_id)`: what this process is writing; `writes(session_id)`: whether it answers the open turn.

    Notes keep their order on the bus. So whoever asks after it has told that it took a session over is answered
    with the text up to a chunk, and sent the chunks from there on.
    """

    def __init__(
        self, here: Callable[[str], list[wire.Stream]], writes: Callable[[str], bool], bus: Bus | None
    ) -> None:
        self._here = here
        self._writes = writes
        self._bus = bus
        self._asked: dict[str, list[asyncio.Future[list[wire.Stream]]]] = {}

    async def of(self, session: Session) -> list[wire.Stream]:
        """The replies that are being written; may miss one that another process writes, never waits long for it."""
        is_open = session.asked > session.answered
        if self._bus is None or not is_open or self._writes(session.session_id):
            return self._here(session.session_id)
        return await self._ask(self._bus, session.session_id)

    async def _ask(self, bus: Bus, session_id: str) -> list[wire.Stream]:
        answer: asyncio.Future[list[wire.Stream]] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(session_id, []).append(answer)
        await bus.tell(ASK, {"sessionId": session_id})
        try:
            async with asyncio.timeout(WAIT):
                return await answer
        except TimeoutError:
            return []
        finally:
            self._forget(session_id, answer)

    def _forget(self, session_id: str, answer: "asyncio.Future[list[wire.Stream]]") -> None:
        waiting = [other for other in self._asked.pop(session_id, []) if other is not answer]
        if waiting:
            self._asked[session_id] = waiting

    async def heard(self, kind: str, payload: dict[str, Any]) -> None:
        """A note from another process."""
        session_id = payload.get("sessionId", "")
        if kind == ASK and self._bus is not None and self._writes(session_id):
            await self._bus.tell(ANSWER, {"sessionId": session_id, "streams": self._here(session_id)})
        elif kind == ANSWER:
            streams = msgspec.convert(payload["streams"], list[wire.Stream])
            for answer in self._asked.pop(session_id, []):
                if not answer.done():
                    answer.set_result(streams)
            # Who asked goes on before the next chunk is heard.
            await asyncio.sleep(0)
