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
from leflux.stats import Restore, Stats
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
        # A session that was evicted goes on from what the browser still holds.
        self.calls.stats.restored(self.site.id, "new" if request.continues is None else "partial")
        self.answer(answer)


class SessionHandler(_Call):
    async def get(self, session_id: str) -> None:
        self.answer(await self.calls.conversations.info(self.site, session_id))

    async def post(self, session_id: str) -> None:
        request = self.json_body(wire.RestoreRequest) if self.has_body() else wire.RestoreRequest()
        answer = await self.calls.conversations.restore(self.site, session_id, request.since)
        self.answer(answer)
        how: Restore = "partial" if answer.truncated else "full"
        self.calls.stats.restored(self.site.id, how, 1000 * self.request.request_time())

    async def delete(self, session_id: str) -> None:
        counts = await self.calls.conversations.purge(self.site.id, session_id)
        self.calls.turns.cancel(session_id)
        await self.calls.deleted(session_id)
        self.answer(wire.DeleteAnswer(counts))


class MessagesHandler(_Call):
    async def get(self, session_id: str) -> None:
        since = self._number("since", 0, 0, 2**53 - 1)
        limit = self._number("limit", wire.HISTORY_LIMIT, 1, wire.PAGE_LIMIT)
        page = await self.calls.conversations.messages(self.site, session_id, since, limit)
        if since and page.messages and not page.more:
            # A page asks so when it sees that something is missing; a gap of several answers is one.
            self.calls.stats.missed(self.site.id)
        self.answer(page)

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
        self.calls.stats.said(self.site.id, stored.created)
        if stored.created:
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
