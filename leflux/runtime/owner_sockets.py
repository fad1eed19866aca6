"""Assembles the dashboard's live side: the gates in front of the sockets, and the crawls that dashboards watch."""

from collections.abc import Awaitable, Callable

from msgspec import Struct
from tornado.httputil import HTTPServerRequest

from backends.base import Storage
from leflux.chat.service import Chat
from leflux.config import Settings
from leflux.crawling.background import Crawls
from leflux.owner.access import OwnerAccess, OwnerClaim
from leflux.protocol import Problem, as_problem
from leflux.realtime.crawl_feed import CrawlFeed
from leflux.realtime.dashboard import DashboardEvents
from leflux.realtime.engine import Admission, Refusal
from leflux.realtime.engine import Server as SocketServer
from leflux.realtime.notes import Bus
from leflux.sites.crawled_pages import CrawledPages
from leflux.sites.origin_gate import OriginGate
from leflux.sites.rate_limits import RateLimit


class OwnerSockets(Struct, frozen=True):
    """The parts that live and end together."""

    crawls: Crawls
    feed: CrawlFeed
    events: DashboardEvents

    def start(self) -> None:
        self.events.start()

    async def stop(self) -> None:
        """The crawls end, and their end is told."""
        await self.crawls.stop()
        await self.feed.stop()
        await self.events.stop()


def open_owner_sockets(
    *,
    settings: Settings,
    storage: Storage,
    access: OwnerAccess,
    server: SocketServer,
    bus: Bus,
    chat: Chat,
    address_limit: RateLimit,
) -> OwnerSockets:
    """Without a dashboard, no page of it is admitted and nothing is told."""
    pages = CrawledPages(storage.settings)
    feed = CrawlFeed(server, pages.newest, bus)
    events = DashboardEvents(
        server=server,
        access=access,
        sites={site.id for site in settings.sites},
        feed=feed,
        chat=chat,
        address_limit=address_limit,
    )
    told = None
    if settings.dashboard.enabled:
        told = feed.told
        events.register()
    return OwnerSockets(Crawls(settings.sites, pages, settings.crawler, told), feed, events)


def socket_gate(gate: OriginGate, access: OwnerAccess | None = None) -> Callable[[HTTPServerRequest], Admission]:
    """The Origin gate in front of the socket handshake. A claim to be a dashboard is checked later."""

    def admit(request: HTTPServerRequest) -> Admission:
        try:
            site = gate.admit(request)
        except Problem as problem:
            raise _refusal(problem) from None
        visit = site if access is None else access.visited(request, site)
        return Admission(visit, gate.address(request))

    return admit


def late_gate(gate: OriginGate, access: OwnerAccess) -> Callable[[HTTPServerRequest], Awaitable[Admission | None]]:
    """Admits a page of this server whose host belongs to no site, when it brings a valid sign-in."""

    async def admit(request: HTTPServerRequest) -> Admission | None:
        claim = access.visited(request, None)
        try:
            if isinstance(claim, OwnerClaim) and await access.holds(claim.secret) is not None:
                return Admission(claim, gate.address(request))
        except Exception as error:
            raise _refusal(as_problem(error)) from error
        return None

    return admit


def _refusal(problem: Problem) -> Refusal:
    return Refusal(problem.status, problem.json())
