"""Replies that are being written, in whichever process: one that does not write the reply asks the others."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from backends.records import Session
from leflux import protocol
from leflux.realtime.notes import Bus

ASK = "stream?"
ANSWER = "stream"
STOP = "stream!"
WAIT = 0.3
"""Seconds: long for a bus that is well, and too short for a visitor to notice when it is not."""


class Streams:
    """`here(session_id)`: what this process is writing, and `stop(session_id)` ends it. `writes(session_id)`: whether
    it answers the open question.

    Notes keep their order on the bus. So a process that asks after it has told that it took a session over gets the
    text up to a chunk, and then the chunks that follow it.
    """

    def __init__(
        self,
        here: Callable[[str], list[protocol.Stream]],
        writes: Callable[[str], bool],
        stop: Callable[[str], None],
        bus: Bus,
    ) -> None:
        self._here = here
        self._stop_here = stop
        self._writes = writes
        self._bus = bus
        self._asked: dict[str, list[asyncio.Future[list[protocol.Stream]]]] = {}
        bus.subscribe(ASK, self._answer)
        bus.subscribe(ANSWER, self._answered)
        bus.subscribe(STOP, self._stopped)

    async def of(self, session: Session) -> list[protocol.Stream]:
        """The replies to the session's open question. May miss one of another process, and never waits long for it."""
        if self._bus.is_alone or self._writes(session.session_id):
            return self._here(session.session_id)
        return await self._ask(session.session_id)

    async def stop(self, session_id: str) -> None:
        """End the reply that is being written for the session."""
        self._stop_here(session_id)
        if not self._bus.is_alone and not self._writes(session_id):
            await self._bus.tell(STOP, {"sessionId": session_id})

    async def _stopped(self, note: dict[str, Any]) -> None:
        self._stop_here(note["sessionId"])

    async def _ask(self, session_id: str) -> list[protocol.Stream]:
        answer: asyncio.Future[list[protocol.Stream]] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(session_id, []).append(answer)
        await self._bus.tell(ASK, {"sessionId": session_id})
        try:
            async with asyncio.timeout(WAIT):
                return await answer
        except TimeoutError:
            return []
        finally:
            self._forget(session_id, answer)

    def _forget(self, session_id: str, answer: "asyncio.Future[list[protocol.Stream]]") -> None:
        waiting = [other for other in self._asked.pop(session_id, []) if other is not answer]
        if waiting:
            self._asked[session_id] = waiting

    async def _answer(self, note: dict[str, Any]) -> None:
        session_id = note["sessionId"]
        if self._writes(session_id):
            await self._bus.tell(ANSWER, {"sessionId": session_id, "streams": self._here(session_id)})

    async def _answered(self, note: dict[str, Any]) -> None:
        streams = msgspec.convert(note["streams"], list[protocol.Stream])
        for answer in self._asked.pop(note["sessionId"], []):
            if not answer.done():
                answer.set_result(streams)
        # The process that asked continues before the next chunk is heard.
        await asyncio.sleep(0)
