"""The events of PROTOCOL §4 that a task needs: what the page reports, and when it comes and goes."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from backends.records import SessionRef
from leflux import wire, wire_tasks
from leflux.conversation import Conversations
from leflux.problems import Problem
from leflux.realtime.hub import Hub, Seat, own
from leflux.tasks.engine import Tasks
from leflux.tasks.ledger import Refused
from leflux.tasks.watch import Watch

OK = {"ok": True}


class _Status(Struct):
    status: str


Handler = Callable[[Seat, Any], Awaitable[Any]]


class TaskEvents:
    """The handlers of one process. Every report carries the epoch of its socket to the store."""

    def __init__(self, hub: Hub, conversations: Conversations, tasks: Tasks, watch: Watch) -> None:
        self._hub = hub
        self._conversations = conversations
        self._tasks = tasks
        self._watch = watch

    def handlers(self) -> dict[str, Handler]:
        return {
            wire.ACTION_STARTED: _refusing(self.started),
            wire.ACTION_COMPLETE: _refusing(self.completed),
            wire.SEQUENCE_COMPLETE: _refusing(self.finished),
            wire.CONTINUE_TASK: _refusing(self.proceed),
            wire.CONFIRMATION_RESPONSE: _refusing(self.responded),
        }

    def is_acting(self, sid: str) -> bool:
        """Whether the socket's session has a task that this process keeps the time of."""
        seat = self._hub.seat(sid)
        return seat is not None and seat.session_id is not None and self._watch.vouches(seat.session_id)

    async def hold(self, seat: Seat, session_id: str) -> None:
        await self._tasks.hold(self._ref(seat, session_id), seat.epoch)

    async def rejoin(self, seat: Seat, session_id: str, url: str | None, task: Raw) -> None:
        """The seat has claimed a session that has this task (JSON)."""
        if msgspec.json.decode(task, type=_Status).status in ("done", "aborted"):
            return
        await self._tasks.rejoin(self._ref(seat, session_id), seat.epoch, url)

    def located(self, seat: Seat, context: dict[str, Any] | None) -> str | None:
        """Remember the page that a description names."""
        url = (context or {}).get("url")
        if isinstance(url, str) and len(url) <= wire.URL_CHARS:
            seat.url = url
            return url
        return None

    async def started(self, seat: Seat, payload: Any) -> dict[str, bool]:
        report = wire.convert(payload, wire_tasks.ActionStarted)
        await self._tasks.started(self._own(seat, report.session_id), seat.epoch, report)
        return OK

    async def completed(self, seat: Seat, payload: Any) -> dict[str, bool]:
        report = wire.convert(payload, wire_tasks.ActionComplete)
        await self._tasks.completed(self._own(seat, report.session_id), seat.epoch, report)
        seat.url = report.result.url or seat.url
        return OK

    async def finished(self, seat: Seat, payload: Any) -> dict[str, bool]:
        report = wire.convert(payload, wire_tasks.SequenceComplete)
        await self._tasks.finished(self._own(seat, report.session_id), seat.epoch, report)
        return OK

    async def proceed(self, seat: Seat, payload: Any) -> dict[str, bool]:
        report = wire.convert(payload, wire_tasks.ContinueTask)
        ref = self._own(seat, report.session_id)
        await self._conversations.set_context(seat.site, ref.session_id, report.context, seat.epoch)
        url = self.located(seat, report.context) or seat.url or None
        await self._tasks.proceed(ref, seat.epoch, url, report.context)
        return OK

    async def responded(self, seat: Seat, payload: Any) -> dict[str, bool]:
        report = wire.convert(payload, wire_tasks.ConfirmationResponse)
        await self._tasks.responded(self._own(seat, report.session_id), seat.epoch, report)
        return OK

    def _own(self, seat: Seat, session_id: str) -> SessionRef:
        return self._ref(seat, own(seat, session_id))

    def _ref(self, seat: Seat, session_id: str) -> SessionRef:
        return self._conversations.ref(seat.site.id, session_id)


def _refusing(handler: Handler) -> Handler:
    async def refusing(seat: Seat, payload: Any) -> Any:
        try:
            return await handler(seat, payload)
        except Refused as refusal:
            raise Problem("invalid_request", refusal.message, reason=refusal.reason) from None

    refusing.__name__ = handler.__name__
    return refusing
