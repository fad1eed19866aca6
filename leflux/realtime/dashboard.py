"""The dashboard's sockets: namespace `/dashboard`, for browsers that have signed in.

A page connects from this server's own origin, with its sign-in's cookie and the CSRF token of the owner's API. Its
socket ends with the sign-in.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Set
from typing import Any

import msgspec
from msgspec import Struct
from socketio.exceptions import ConnectionRefusedError as Refused

from leflux import protocol
from leflux.chat.persons import Speaker
from leflux.chat.service import Chat
from leflux.common.recurring import Recurring
from leflux.owner.access import OwnerAccess, OwnerClaim
from leflux.owner.accounts import Account
from leflux.protocol import Problem
from leflux.realtime.conversation_feed import watching
from leflux.realtime.crawl_feed import NAMESPACE, CrawlFeed, room
from leflux.realtime.engine import CONTEXT, Server
from leflux.realtime.events import event_problem, refused, unknown_event
from leflux.sites.rate_limits import RateLimit

# The sockets of a sign-in that has ended are closed within five seconds.
LOOK_EVERY = 4.0


class OwnerSocket(Struct):
    """One socket: its sign-in's secret, the client's address, the sites whose crawl it watches, and the session."""

    sid: str
    secret: str
    address: str
    watched: set[str] = set()
    session_id: str | None = None


class DashboardEvents(Recurring):
    """The handlers of one process, and a slow timer that ends sockets and repairs what notes have lost."""

    def __init__(
        self,
        *,
        server: Server,
        access: OwnerAccess,
        sites: Set[str],
        feed: CrawlFeed,
        chat: Chat,
        address_limit: RateLimit,
        interval: float = LOOK_EVERY,
    ) -> None:
        super().__init__("dashboard sockets", self.look, interval)
        self._server = server
        self._access = access
        self._sites = sites
        self._feed = feed
        self._chat = chat
        self._address_limit = address_limit
        self._pages: dict[str, OwnerSocket] = {}

    def register(self) -> None:
        """Attach every handler to the server."""
        on = self._server.on
        on("connect", self.connect, namespace=NAMESPACE)
        on("disconnect", self.disconnect, namespace=NAMESPACE)
        on(protocol.WATCH_CRAWL, self._acknowledged(self.watch_crawl), namespace=NAMESPACE)
        on(protocol.WATCH_CONVERSATION, self._acknowledged(self.watch_conversation), namespace=NAMESPACE)
        on(protocol.PERSON_TYPING, self._acknowledged(self.person_typing), namespace=NAMESPACE)
        on("*", unknown_event, namespace=NAMESPACE)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Admit a page with a valid sign-in and the matching `auth.csrfToken`."""
        claim, address = environ.get(CONTEXT), environ.get("REMOTE_ADDR", "")
        if not isinstance(claim, OwnerClaim):
            raise Refused("unauthorized")
        try:
            self._address_limit.spend(address)
            owner = await self._access.holds(claim.secret)
        except Exception as error:
            raise Refused(event_problem(error, "connect").code) from None
        if owner is None:
            raise Refused("unauthorized")
        if not _is_csrf_of(owner, auth):
            raise Refused("forbidden")
        self._pages[sid] = OwnerSocket(sid, claim.secret, address)

    async def disconnect(self, sid: str, _reason: str | None = None) -> None:
        self._pages.pop(sid, None)

    def _acknowledged(self, handler: Callable[[OwnerSocket, Any], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def acknowledged(sid: str, payload: Any = None, *_: Any) -> Any:
            try:
                return {"ok": True} | await handler(self._page(sid), payload)
            except Exception as error:
                return refused(error, handler.__name__)

        return acknowledged

    def _page(self, sid: str) -> OwnerSocket:
        page = self._pages.get(sid)
        if page is None:
            raise Problem("unauthorized", "This sign-in has ended.")
        return page

    async def watch_crawl(self, page: OwnerSocket, payload: Any) -> dict[str, Any]:
        """How far the site's crawl is; every change follows as `crawl_progress`."""
        site_id = protocol.convert(payload, protocol.WatchCrawl).site_id
        await self._admitted(page, site_id)
        head = await self._feed.refresh(site_id)
        # No await up to the acknowledgement, so that no event comes between it and the answer.
        self._page(page.sid).watched.add(site_id)
        await self._server.enter_room(page.sid, room(site_id), NAMESPACE)
        return msgspec.structs.asdict(head.described())

    async def watch_conversation(self, page: OwnerSocket, payload: Any) -> dict[str, Any]:
        """From now on the page hears of this conversation, as `conversation_changed`, and of no other."""
        request = protocol.convert(payload, protocol.WatchConversation)
        await self._admitted(page, request.site_id)
        session_id = await self._chat.persons.session_id(request.conversation_id)
        # A conversation of another site tells nothing: the store decides whose it is.
        await self._chat.persons.seen(request.site_id, session_id)
        if page.session_id is not None:
            await self._server.leave_room(page.sid, watching(page.session_id), NAMESPACE)
        self._page(page.sid).session_id = session_id
        await self._server.enter_room(page.sid, watching(session_id), NAMESPACE)
        return {}

    async def person_typing(self, page: OwnerSocket, payload: Any) -> dict[str, Any]:
        """The person who has the conversation types, or has stopped."""
        request = protocol.convert(payload, protocol.PersonTyping)
        owner = await self._admitted(page, request.site_id)
        session_id = await self._chat.persons.session_id(request.conversation_id)
        await self._chat.persons.types(Speaker(request.site_id, owner.email), session_id, request.typing)
        return {}

    async def _admitted(self, page: OwnerSocket, site_id: str) -> Account:
        """The owner behind the socket. Raises `unauthorized`, `rate_limited`, and `not_found` for a foreign site."""
        self._address_limit.spend(page.address)
        owner = await self._access.holds(page.secret)
        if owner is None:
            await self._end(page)
            raise Problem("unauthorized", "This sign-in has ended.")
        if site_id not in self._sites or not owner.may_see(site_id):
            raise Problem("not_found", "There is no such site.")
        return owner

    async def look(self) -> None:
        """End the sockets whose sign-in has ended, and tell the others what their process has missed."""
        secrets = {page.secret for page in self._pages.values()}
        held = dict(zip(secrets, await asyncio.gather(*map(self._access.holds, secrets)), strict=True))
        for page in list(self._pages.values()):
            if page.secret in held and held[page.secret] is None:
                await self._end(page)
        for site_id in {site_id for page in self._pages.values() for site_id in page.watched}:
            await self._feed.refresh(site_id)

    async def _end(self, page: OwnerSocket) -> None:
        self._pages.pop(page.sid, None)
        await self._server.hang_up(page.sid, NAMESPACE)


def _is_csrf_of(owner: Account, auth: Any) -> bool:
    given = auth.get("csrfToken") if isinstance(auth, dict) else None
    return (
        isinstance(given, str) and owner.csrf is not None and hmac.compare_digest(given.encode(), owner.csrf.encode())
    )
