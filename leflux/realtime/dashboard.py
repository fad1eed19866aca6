"""The sockets of the owners' pages: namespace `/dashboard`, for browsers that have signed in.

A page connects with its sign-in's cookie, from this server's own origin, and with the CSRF token that the owner's API
wants, too. What it is told ends with the sign-in.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Set
from typing import Any

import structlog
from msgspec import Struct
from socketio.exceptions import ConnectionRefusedError as Refused

from leflux import wire
from leflux.limits import RateLimit
from leflux.owner_gate import Claim, OwnerGate
from leflux.owners import Owner
from leflux.problems import Problem, as_problem, is_expected
from leflux.realtime.crawl_feed import NAMESPACE, CrawlFeed, room
from leflux.realtime.engine import CONTEXT, Server
from leflux.recurring import Recurring

log = structlog.get_logger(__name__)

# A sign-in that has ended ends its sockets within five seconds.
LOOK_EVERY = 4.0


class Page(Struct):
    """One socket of an owner's page: its sign-in's secret, the client's address, and the sites whose crawl it sees."""

    sid: str
    secret: str
    address: str
    watched: set[str] = set()


class DashboardEvents(Recurring):
    """The handlers of one process, and the slow timer that looks after them; without a socket it does nothing."""

    def __init__(
        self,
        server: Server,
        owner_gate: OwnerGate,
        sites: Set[str],
        feed: CrawlFeed,
        address_limit: RateLimit,
        interval: float = LOOK_EVERY,
    ) -> None:
        super().__init__("dashboard sockets", self.look, interval)
        self._server = server
        self._owner_gate = owner_gate
        self._sites = sites
        self._feed = feed
        self._address_limit = address_limit
        self._pages: dict[str, Page] = {}

    def register(self) -> None:
        """Attach every handler to the server."""
        on = self._server.on
        on("connect", self.connect, namespace=NAMESPACE)
        on("disconnect", self.disconnect, namespace=NAMESPACE)
        on(wire.WATCH_CRAWL, self._acknowledged(self.watch_crawl), namespace=NAMESPACE)
        on("*", self.unknown, namespace=NAMESPACE)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        """Admit a page that brings a sign-in that holds, and proves by `auth.csrfToken` that it can read it."""
        claim, address = environ.get(CONTEXT), environ.get("REMOTE_ADDR", "")
        if not isinstance(claim, Claim):
            raise Refused("unauthorized")
        try:
            self._address_limit.spend(address)
            owner = await self._owner_gate.holds(claim.secret)
        except Exception as error:
            raise Refused(self._problem(error, "connect").code) from None
        if owner is None:
            raise Refused("unauthorized")
        if not _is_csrf_of(owner, auth):
            raise Refused("forbidden")
        self._pages[sid] = Page(sid, claim.secret, address)

    async def disconnect(self, sid: str, _reason: str | None = None) -> None:
        self._pages.pop(sid, None)

    async def unknown(self, event: str, _sid: str, *_: Any) -> dict[str, Any]:
        problem = Problem("invalid_request", f"There is no event {event[:64]!r}.")
        return {"ok": False} | problem.body()

    def _acknowledged(self, handler: Callable[[Page, Any], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def acknowledged(sid: str, payload: Any = None, *_: Any) -> Any:
            try:
                return {"ok": True} | await handler(self._page(sid), payload)
            except Exception as error:
                return {"ok": False} | self._problem(error, handler.__name__).body()

        return acknowledged

    def _page(self, sid: str) -> Page:
        page = self._pages.get(sid)
        if page is None:
            raise Problem("unauthorized", "This sign-in has ended.")
        return page

    def _problem(self, error: Exception, where: str) -> Problem:
        if not is_expected(error):
            log.error("event failed", event_name=where, exc_info=error)
        return as_problem(error)

    async def watch_crawl(self, page: Page, payload: Any) -> dict[str, Any]:
        """How far the site's crawl is; every change follows as `crawl_progress`."""
        self._address_limit.spend(page.address)
        site_id = wire.convert(payload, wire.WatchCrawl).site_id
        owner = await self._owner_gate.holds(page.secret)
        if owner is None:
            await self._end(page)
            raise Problem("unauthorized", "This sign-in has ended.")
        if site_id not in self._sites or not owner.may_see(site_id):
            raise Problem("not_found", "There is no such site.")
        head = await self._feed.refresh(site_id)
        # Nothing is told between the answer and what follows it: there is no waiting up to the acknowledgement.
        self._page(page.sid).watched.add(site_id)
        await self._server.enter_room(page.sid, room(site_id), NAMESPACE)
        return head.described()

    async def look(self) -> None:
        """End the sockets whose sign-in has ended, and tell the others what their process has missed."""
        secrets = {page.secret for page in self._pages.values()}
        held = dict(zip(secrets, await asyncio.gather(*map(self._owner_gate.holds, secrets)), strict=True))
        for page in list(self._pages.values()):
            if page.secret in held and held[page.secret] is None:
                await self._end(page)
        for site_id in {site_id for page in self._pages.values() for site_id in page.watched}:
            await self._feed.refresh(site_id)

    async def _end(self, page: Page) -> None:
        self._pages.pop(page.sid, None)
        await self._server.hang_up(page.sid, NAMESPACE)


def _is_csrf_of(owner: Owner, auth: Any) -> bool:
    given = auth.get("csrfToken") if isinstance(auth, dict) else None
    return (
        isinstance(given, str) and owner.csrf is not None and hmac.compare_digest(given.encode(), owner.csrf.encode())
    )
