"""The visitor's socket events: each is parsed, done by the chat or the tasks, and acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from socketio.exceptions import ConnectionRefusedError as Refused

from backends.errors import SessionDeleted
from leflux import protocol
from leflux.chat.ports import VisitorSocket
from leflux.chat.service import Chat, own
from leflux.owner.access import site_of
from leflux.protocol import Problem, as_problem, is_expected
from leflux.realtime.engine import CONTEXT
from leflux.realtime.hub import Hub, VisitorSockets
from leflux.realtime.task_events import TaskEvents

log = structlog.get_logger(__name__)

Handler = Callable[[VisitorSocket, Any], Awaitable[Any]]
OK = {"ok": True}


class Events:
    """The handlers of one process."""

    def __init__(self, chat: Chat, tasks: TaskEvents, hub: Hub, sockets: VisitorSockets) -> None:
        self._chat = chat
        self._tasks = tasks
        self._hub = hub
        self._sockets = sockets
        self._resumes: set[asyncio.Task[None]] = set()

    def register(self, server: Any) -> None:
        """Attach every handler to a `socketio.AsyncServer`."""
        server.on("connect", self.connect)
        server.on("disconnect", self.disconnect)
        handlers: dict[str, Handler] = {
            protocol.JOIN_SESSION: self.join,
            protocol.SEND_MESSAGE: self.send,
            protocol.UPDATE_CONTEXT: self.context,
            protocol.VISIBILITY: self.visibility,
            protocol.STOP_REPLY: self.stop,
            protocol.TYPING: self.typing,
        } | self._tasks.handlers()
        for event, handler in handlers.items():
            server.on(event, self._acknowledged(handler))
        server.on("*", unknown_event)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Admit a socket that passed the Origin gate; one that names a session joins it at once."""
        site = site_of(environ.get(CONTEXT))
        if site is None:
            raise Refused("host_not_registered")
        socket = self._sockets.sockets[sid] = VisitorSocket(sid, site, environ.get("REMOTE_ADDR", ""))
        if isinstance(auth, dict) and auth.get("sessionId") is not None:
            # Joins after the CONNECT packet is out, so that no client sees an event before it is connected.
            task = asyncio.create_task(self._resume(socket, auth))
            self._resumes.add(task)
            task.add_done_callback(self._resumes.discard)

    async def _resume(self, socket: VisitorSocket, auth: dict[str, Any]) -> None:
        try:
            await self.join(socket, auth)
        except Exception as error:
            problem = event_problem(error, "join")
            if isinstance(error, SessionDeleted):
                await self._hub.tell(socket.sid, protocol.SESSION_DELETED, {"sessionId": auth["sessionId"]})
            await self._hub.tell(socket.sid, protocol.ERROR, problem.body())

    async def disconnect(self, sid: str, _reason: str | None = None) -> None:
        socket = self._sockets.remove(sid)
        try:
            if socket is not None:
                await self._chat.leave(socket)
        except Exception as error:
            event_problem(error, "leave")

    def _acknowledged(self, handler: Handler) -> Callable[..., Awaitable[Any]]:
        async def acknowledged(sid: str, payload: Any = None, *_: Any) -> Any:
            try:
                socket = self._sockets.sockets.get(sid)
                if socket is None:
                    raise Problem("not_owner", "This socket has left.")
                return await handler(socket, payload)
            except Exception as error:
                return refused(error, handler.__name__)

        return acknowledged

    async def join(self, socket: VisitorSocket, payload: Any) -> protocol.Joined:
        if isinstance(payload, str):
            payload = {"sessionId": payload}
        return await self._chat.join(socket, protocol.convert(payload, protocol.JoinSession))

    async def send(self, socket: VisitorSocket, payload: Any) -> protocol.Sent:
        return await self._chat.say(socket, protocol.convert(payload, protocol.SendMessage))

    async def context(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        request = protocol.convert(payload, protocol.UpdateContext)
        await self._chat.set_context(socket, request.session_id, request.context)
        return OK

    async def visibility(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        request = protocol.convert(payload, protocol.Visibility)
        own(socket, request.session_id)
        socket.visible = request.visible
        return OK

    async def stop(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        request = protocol.convert(payload, protocol.StopReply)
        await self._chat.stop_reply(socket, request.session_id)
        return OK

    async def typing(self, socket: VisitorSocket, payload: Any) -> dict[str, bool]:
        request = protocol.convert(payload, protocol.Typing)
        await self._chat.typing(socket, request.session_id, request.typing)
        return OK


async def unknown_event(event: str, _sid: str, *_: Any) -> dict[str, Any]:
    return refused(Problem("invalid_request", f"There is no event {event[:64]!r}."), "unknown")


def refused(error: Exception, where: str) -> dict[str, Any]:
    """The acknowledgement of an event that failed."""
    return {"ok": False} | event_problem(error, where).body()


def event_problem(error: Exception, where: str) -> Problem:
    """`error` as the client is told; an unexpected one is logged."""
    if not is_expected(error):
        log.error("event failed", event_name=where, exc_info=error)
    return as_problem(error)
