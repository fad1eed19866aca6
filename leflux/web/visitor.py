"""The visitor's HTTP calls (PROTOCOL §3)."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Raw, Struct

from leflux import wire
from leflux.conversation import Conversations
from leflux.gate import Gate
from leflux.limits import RateLimit
from leflux.outlet import Outlet
from leflux.problems import Problem
from leflux.stats import Stats
from leflux.turns import Turns
from leflux.web.base import VisitorHandler


class VisitorCalls(Struct, frozen=True):
    """What the handlers below work with; `deleted` tells the sockets of a purged session."""

    conversations: Conversations
    turns: Turns
    outlet: Outlet
    deleted: Callable[[str], Awaitable[None]]
    stats: Stats
    init_limit: RateLimit
    session_limit: RateLimit
    address_limit: RateLimit


class _Call(VisitorHandler):
    def initialize(self, body_cap: int, gate: Gate, calls: VisitorCalls) -> None:  # type: ignore[override]
        super().initialize(body_cap, gate)
        self.calls = calls


class InitHandler(_Call):
    async def post(self) -> None:
        request = self.json_body(wire.InitRequest)
        self.calls.init_limit.spend(self.address)
        answer = await self.calls.conversations.start(self.site, request)
        self.calls.stats.restored("new")
        self.answer(answer)


class SessionHandler(_Call):
    async def get(self, session_id: str) -> None:
        self.answer(await self.calls.conversations.info(self.site, session_id))

    async def post(self, session_id: str) -> None:
        request = self.json_body(wire.RestoreRequest) if self.has_body() else wire.RestoreRequest()
        answer = await self.calls.conversations.restore(self.site, session_id, request.since)
        self.calls.stats.restored("partial" if answer.truncated else "full")
        self.answer(answer)

    async def delete(self, session_id: str) -> None:
        counts = await self.calls.conversations.purge(self.site.id, session_id)
        self.calls.turns.cancel(session_id)
        await self.calls.deleted(session_id)
        self.answer(wire.DeleteAnswer(counts))


class MessagesHandler(_Call):
    async def get(self, session_id: str) -> None:
        since = self._number("since", 0, 0, 2**53 - 1)
        limit = self._number("limit", wire.HISTORY_LIMIT, 1, wire.PAGE_LIMIT)
        self.answer(await self.calls.conversations.messages(self.site, session_id, since, limit))

    def _number(self, name: str, default: int, low: int, high: int) -> int:
        text = self.get_query_argument(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 17 and low <= int(text) <= high):
            raise Problem("invalid_request", f"{name} is a whole number from {low} to {high}.", path=f"$.{name}")
        return int(text)


class ChatHandler(_Call):
    async def post(self) -> None:
        request = self.json_body(wire.ChatRequest)
        session_id = wire.session_id(request.session_id)
        self.calls.session_limit.spend(session_id)
        self.calls.address_limit.spend(self.address)
        message = wire.SendMessage(session_id, request.client_message_id, request.message, request.context)
        stored = await self.calls.conversations.say(self.site, message, epoch=None)
        if stored.created:
            self.calls.stats.messages += 1
            await self.calls.outlet.emit(session_id, wire.MESSAGE, Raw(stored.body), stored.seq)
        if self.calls.conversations.replies:
            self.calls.turns.kick(self.site.id, session_id)
        self.answer(wire.Chatted(stored.id, stored.seq))


def routes(body_cap: int, gate: Gate, calls: VisitorCalls) -> list[Any]:
    arguments = {"body_cap": body_cap, "gate": gate, "calls": calls}
    return [
        (r"/api/session/init", InitHandler, arguments),
        (r"/api/session/([^/]+)", SessionHandler, arguments),
        (r"/api/session/([^/]+)/messages", MessagesHandler, arguments),
        (r"/api/chat", ChatHandler, arguments),
    ]
