"""The events of PROTOCOL §4 that a conversation needs: each is checked, done, and acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from socketio.exceptions import ConnectionRefusedError as Refused

from backends.errors import SessionDeleted
from leflux import wire
from leflux.conversation import Conversations
from leflux.limits import RateLimit
from leflux.owner_gate import site_of
from leflux.privacy import Policy
from leflux.problems import Problem, as_problem, is_expected
from leflux.realtime.engine import CONTEXT
from leflux.realtime.hub import Hub, Seat, own
from leflux.realtime.task_events import TaskEvents
from leflux.stats import Stats
from leflux.turns import Turns

log = structlog.get_logger(__name__)

Handler = Callable[[Seat, Any], Awaitable[Any]]


class Events:
    """The handlers of one process."""

    def __init__(
        self,
        hub: Hub,
        conversations: Conversations,
        turns: Turns,
        tasks: TaskEvents,
        policy: Callable[[str], Policy],
        stats: Stats,
        session_limit: RateLimit,
        address_limit: RateLimit,
    ) -> None:
        self._hub = hub
        self._conversations = conversations
        self._turns = turns
        self._tasks = tasks
        self._policy = policy
        self._stats = stats
        self._session_limit = session_limit
        self._address_limit = address_limit
        self._resumes: set[asyncio.Task[None]] = set()

    def register(self, server: Any) -> None:
        """Attach every handler to a `socketio.AsyncServer`."""
        server.on("connect", self.connect)
        server.on("disconnect", self.disconnect)
        handlers: dict[str, Handler] = {
            wire.JOIN_SESSION: self.join,
            wire.SEND_MESSAGE: self.send,
            wire.UPDATE_CONTEXT: self.context,
            wire.VISIBILITY: self.visibility,
        } | self._tasks.handlers()
        for event, handler in handlers.items():
            server.on(event, self._acknowledged(handler))
        server.on("*", self.unknown)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Admit a socket that passed the Origin gate; one that names a session joins it at once."""
        site = site_of(environ.get(CONTEXT))
        if site is None:
            raise Refused("host_not_registered")
        seat = Seat(sid, site, environ.get("REMOTE_ADDR", ""))
        self._hub.arrive(seat)
        if isinstance(auth, dict) and auth.get("sessionId") is not None:
            # Joins after the CONNECT packet is out, so that no client sees an event before it is connected.
            task = asyncio.create_task(self._resume(seat, auth))
            self._resumes.add(task)
            task.add_done_callback(self._resumes.discard)

    async def _resume(self, seat: Seat, auth: dict[str, Any]) -> None:
        try:
            await self.join(seat, auth)
        except Exception as error:
            problem = self._problem(error, "join")
            if isinstance(error, SessionDeleted):
                await self._hub.tell(seat.sid, wire.SESSION_DELETED, {"sessionId": auth["sessionId"]})
            await self._hub.tell(seat.sid, wire.ERROR, problem.body())

    async def disconnect(self, sid: str, _reason: str | None = None) -> None:
        acting = self._tasks.is_acting(sid)
        seat = self._hub.leave(sid)
        if seat is None or seat.session_id is None:
            return
        try:
            if acting:
                await self._tasks.hold(seat, seat.session_id)
            await self._conversations.leave(seat.site, seat.session_id, seat.epoch)
        except Exception as error:
            self._problem(error, "leave")

    def _acknowledged(self, handler: Handler) -> Callable[..., Awaitable[Any]]:
        async def acknowledged(sid: str, payload: Any = None, *_: Any) -> Any:
            seat = self._hub.seat(sid)
            try:
                if seat is None:
                    raise Problem("not_owner", "This socket has left.")
                return await handler(seat, payload)
            except Exception as error:
                return {"ok": False} | self._problem(error, handler.__name__).body()

        return acknowledged

    def _problem(self, error: Exception, where: str) -> Problem:
        if not is_expected(error):
            log.error("event failed", event_name=where, exc_info=error)
        return as_problem(error)

    async def unknown(self, event: str, _sid: str, *_: Any) -> dict[str, Any]:
        problem = Problem("invalid_request", f"There is no event {event[:64]!r}.")
        return {"ok": False} | problem.body()

    async def join(self, seat: Seat, payload: Any) -> wire.Joined:
        if isinstance(payload, str):
            payload = {"sessionId": payload}
        request = wire.convert(payload, wire.JoinSession)
        joined = await self._take_seat(seat, request)
        seat.url = request.url or ""
        await self._hub.tell(seat.sid, wire.SESSION_JOINED, joined)
        if joined.task is not None:
            await self._tasks.rejoin(seat, joined.session_id, request.url, joined.task)
        return joined

    async def _take_seat(self, seat: Seat, request: wire.JoinSession) -> wire.Joined:
        left, left_epoch = seat.session_id, seat.epoch
        with self._hub.joining(request.session_id) as newest:
            snapshot = await self._conversations.claim(seat.site, request, seat.sid)
            session = snapshot.session
            read_only_ms = round(self._policy(seat.site.id).read_only * 1000)
            is_ours = await self._hub.sit(seat, session.session_id, session.epoch, read_only_ms, snapshot.taken_from)
            if not is_ours:
                raise Problem("not_owner", "A newer socket owns this session.")
            seat.seq = max(seat.seq, session.seq) if left == session.session_id else session.seq
            joined = await self._conversations.joined(snapshot, request.since, session.epoch)
            while newest() > joined.seq:
                # Said after the claim, and told when this socket was not there yet, or did not know that it was.
                snapshot = await self._conversations.read(seat.site, request)
                joined = await self._conversations.joined(snapshot, request.since, session.epoch)
        if snapshot.session.asked > snapshot.session.answered:
            # A turn that a crashed process left open is taken up by the first one that hears of the visitor again.
            self._turns.kick(seat.site.id, joined.session_id)
        if seat.session_id == joined.session_id:
            seat.seq = max(seat.seq, joined.seq)
        if left is not None and left != joined.session_id:
            await self._conversations.leave(seat.site, left, left_epoch)
        return joined

    async def send(self, seat: Seat, payload: Any) -> wire.Sent:
        request = wire.convert(payload, wire.SendMessage)
        session_id = own(seat, request.session_id)
        self._session_limit.spend(session_id)
        self._address_limit.spend(seat.address)
        stored = await self._conversations.say(seat.site, request, seat.epoch)
        self._stats.said(seat.site.id, stored.created)
        if stored.seq == seat.seq + 1:
            seat.seq = stored.seq
        self._tasks.located(seat, request.context)
        if self._conversations.replies:
            self._turns.kick(seat.site.id, session_id)
        return wire.Sent(message_id=stored.id, seq=stored.seq)

    async def context(self, seat: Seat, payload: Any) -> dict[str, bool]:
        request = wire.convert(payload, wire.UpdateContext)
        session_id = own(seat, request.session_id)
        await self._conversations.set_context(seat.site, session_id, request.context, seat.epoch)
        self._tasks.located(seat, request.context)
        return {"ok": True}

    async def visibility(self, seat: Seat, payload: Any) -> dict[str, bool]:
        request = wire.convert(payload, wire.Visibility)
        own(seat, request.session_id)
        seat.visible = request.visible
        return {"ok": True}
