"""The socket events of tasks: what the page reports, and what the visitor answers."""

from collections.abc import Awaitable, Callable
from typing import Any

from backends.records import SessionRef
from leflux import protocol
from leflux.chat.ports import VisitorSocket
from leflux.chat.service import Chat, own
from leflux.protocol import Problem
from leflux.tasks.engine import TaskEngine
from leflux.tasks.ledger import ReportRejected

OK = {"ok": True}
Handler = Callable[[VisitorSocket, Any], Awaitable[Any]]


class TaskEvents:
    """The handlers of one process. Every report carries the epoch of its socket to the store."""

    def __init__(self, chat: Chat, tasks: TaskEngine) -> None:
        self._chat = chat
        self._tasks = tasks

    def handlers(self) -> dict[str, Handler]:
        return {
            protocol.ACTION_STARTED: _refusing(self.started),
            protocol.ACTION_COMPLETE: _refusing(self.completed),
            protocol.SEQUENCE_COMPLETE: _refusing(self.finished),
            protocol.CONTINUE_TASK: _refusing(self.proceed),
            protocol.CONFIRMATION_RESPONSE: _refusing(self.responded),
        }

    async def started(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        report = protocol.convert(payload, protocol.ActionStarted)
        await self._tasks.started(self._own(socket, report.session_id), socket.epoch, report, socket.page)
        return OK

    async def completed(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        report = protocol.convert(payload, protocol.ActionComplete)
        await self._tasks.completed(self._own(socket, report.session_id), socket.epoch, report)
        socket.url = report.result.url or socket.url
        return OK

    async def finished(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        report = protocol.convert(payload, protocol.SequenceComplete)
        await self._tasks.finished(self._own(socket, report.session_id), socket.epoch, report)
        return OK

    async def proceed(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        report = protocol.convert(payload, protocol.ContinueTask)
        ref = await self._chat.set_context(socket, report.session_id, report.context)
        await self._tasks.proceed(ref, socket.epoch, socket.url or None, report.context, socket.page)
        return OK

    async def responded(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        report = protocol.convert(payload, protocol.ConfirmationResponse)
        await self._tasks.responded(self._own(socket, report.session_id), socket.epoch, report)
        return OK

    def _own(self, socket: VisitorSocket, session_id: str) -> SessionRef:
        return self._chat.ref(socket.site.id, own(socket, session_id))


def _refusing(handler: Handler) -> Handler:
    async def refusing(socket: VisitorSocket, payload: Any) -> Any:
        try:
            return await handler(socket, payload)
        except ReportRejected as refusal:
            raise Problem("invalid_request", refusal.message, reason=refusal.reason) from None

    refusing.__name__ = handler.__name__
    return refusing
