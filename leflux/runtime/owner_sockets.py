"""Wires what an owner's open pages hear of: the gates in front of their sockets, and the crawls that they watch."""

from collections.abc import Awaitable, Callable

from msgspec import Struct
from tornado.httputil import HTTPServerRequest

from backends.base import Storage
from leflux.config import Settings
from leflux.crawling.background import Crawls
from leflux.gate import Gate
from leflux.limits import RateLimit
from leflux.owner_gate import Claim, OwnerGate
from leflux.owners import Owners
from leflux.problems import Problem, as_problem
from leflux.realtime.bus import RedisBus
from leflux.realtime.crawl_feed import CrawlFeed
from leflux.realtime.dashboard import DashboardEvents
from leflux.realtime.engine import Admission, Refusal
from leflux.realtime.engine import Server as SocketServer
from leflux.site_pages import SitePages


class OwnerSockets(Struct):
    """The parts that live and end together."""

    gate: OwnerGate
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
    settings: Settings,
    storage: Storage,
    owners: Owners,
    gate: Gate,
    sockets: SocketServer,
    bus: RedisBus | None,
    address_limit: RateLimit,
) -> OwnerSockets:
    """Wire it. Without a dashboard, no page of it is admitted and nothing is told."""
    owner_gate, pages = OwnerGate(owners, gate, settings.server.public_url), SitePages(storage.settings)
    feed = CrawlFeed(sockets, pages.newest, bus)
    events = DashboardEvents(sockets, owner_gate, {site.id for site in settings.sites}, feed, address_limit)
    heard = None
    if settings.dashboard.enabled:
        heard = feed.told
        events.register()
        sockets.eio.gate = socket_gate(gate, owner_gate)
        sockets.eio.late_gate = late_gate(gate, owner_gate)
    return OwnerSockets(owner_gate, Crawls(settings.sites, pages, settings.crawler, heard), feed, events)


def socket_gate(gate: Gate, owner_gate: OwnerGate | None = None) -> Callable[[HTTPServerRequest], Admission]:
    """The Origin gate in front of the socket handshake. What a page of this server claims is checked later."""

    def admit(request: HTTPServerRequest) -> Admission:
        try:
            site = gate.admit(request)
        except Problem as problem:
            raise _refusal(problem) from None
        visit = site if owner_gate is None else owner_gate.visited(request, site)
        return Admission(visit, gate.address(request))

    return admit


def late_gate(gate: Gate, owner_gate: OwnerGate) -> Callable[[HTTPServerRequest], Awaitable[Admission | None]]:
    """Admits a page of this server whose host is no site's, when it brings a sign-in that holds."""

    async def admit(request: HTTPServerRequest) -> Admission | None:
        claim = owner_gate.visited(request, None)
        try:
            if isinstance(claim, Claim) and await owner_gate.holds(claim.secret) is not None:
                return Admission(claim, gate.address(request))
        except Exception as error:
            raise _refusal(as_problem(error)) from error
        return None

    return admit


def _refusal(problem: Problem) -> Refusal:
    return Refusal(problem.status, problem.json())
