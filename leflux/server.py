"""Assembles one serving process: storage, sockets, HTTP, the slow timer; and takes it down again."""

import asyncio
from collections.abc import Callable, Iterable

import structlog
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate, HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from backends import open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from leflux.acting import Acting, open_acting
from leflux.agents import open_agent
from leflux.agents.base import Agent
from leflux.config import Settings
from leflux.conversation import Conversations
from leflux.crawling.background import Crawls, own_address
from leflux.gate import Gate
from leflux.limits import RateLimit
from leflux.privacy import Policy
from leflux.problems import Problem
from leflux.realtime.bus import RedisBus, all_hear
from leflux.realtime.engine import Admission, Refusal, UpgradeFirst, make_handler
from leflux.realtime.engine import Server as SocketServer
from leflux.realtime.events import Events
from leflux.realtime.hub import Hub
from leflux.realtime.reconciler import Reconciler
from leflux.realtime.streams import Streams
from leflux.realtime.task_events import TaskEvents
from leflux.site_pages import SitePages
from leflux.sites import Site, Sites
from leflux.stats import Stats
from leflux.sweeper import Sweeper
from leflux.turns import Turns
from leflux.web import ops, pages, visitor
from leflux.web.base import NotFoundHandler, log_access
from leflux.web.restore import RestoreFirst

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 8.0
STORE_RETRY = 1.0
# Beyond this a body is cut off; up to it, it is read and answered with 413.
BODY_SLACK = 8


class NotReadyHandler(RequestHandler):
    """Every call, as long as the store has not been opened."""

    def prepare(self) -> None:
        # Tornado chooses the application of a connection's next request now; that one shall be asked anew.
        self.set_header("Connection", "close")
        if self.request.path == "/health":
            self.finish({"status": "ok"})
            return
        problem = Problem("store_unavailable", "The store does not answer yet.")
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(problem.json())


class _Switch(HTTPServerConnectionDelegate):
    """Hands each request to the application of the moment."""

    def __init__(self, app: HTTPServerConnectionDelegate) -> None:
        self.app = app

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return self.app.start_request(server_conn, request_conn)


class LeFlux:
    """One process. `start` listens and returns the port; `stop` drains."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._switch = _Switch(Application([(r".*", NotReadyHandler)], log_function=log_access))
        self._http: HTTPServer | None = None
        self._process: Process | None = None
        self._opening: asyncio.Task[None] | None = None
        self._port = 0

    async def start(self, port: int | None = None) -> int:
        """Listen on `port` (left out: the configured one), and open the storage now or as soon as it answers.

        Raises `StoreMisconfigured` and `OSError` when that can never work.
        """
        server = self.settings.server
        if not await self._open():
            self._opening = asyncio.create_task(self._open_later())
        wanted = server.port if port is None else port
        sockets = bind_sockets(wanted, server.host, reuse_port=server.processes > 1)
        cap = self.settings.limits.frame_bytes * BODY_SLACK
        self._http = HTTPServer(self._switch, max_body_size=cap, body_timeout=10.0, idle_connection_timeout=120.0)
        self._http.add_sockets(sockets)
        self._port = sockets[0].getsockname()[1]
        self._begin()
        return self._port

    async def _open(self) -> bool:
        try:
            storage = await open_storage(self.settings.storage, self.settings.message_log)
        except StoreUnavailable as error:
            log.warning("the store does not answer; serving 503 until it does", reason=str(error))
            return False
        self._process = build(self.settings, storage)
        self._process.start()
        self._switch.app = self._process.app
        self._begin()
        return True

    def _begin(self) -> None:
        """What needs both the open storage and the listening socket, whichever came last."""
        if self._process is not None and self._port and self.settings.agent.kind == "knowledge":
            self._process.crawls.begin(own_address(self.settings.server.host, self._port))

    async def _open_later(self) -> None:
        while not await self._open():
            await asyncio.sleep(STORE_RETRY)
        log.info("the store answers; ready")

    async def stop(self) -> None:
        """Take no more requests, let running replies end, tell the sockets to come back, close the storage."""
        if self._opening is not None:
            self._opening.cancel()
        if self._http is not None:
            self._http.stop()
        if self._process is not None:
            await self._process.stop()
        if self._http is not None:
            await self._http.close_all_connections()


class Process:
    """The parts that live and end together."""

    def __init__(
        self,
        app: HTTPServerConnectionDelegate,
        sockets: SocketServer,
        turns: Turns,
        acting: Acting,
        sweeper: Sweeper,
        agent: Agent,
        crawls: Crawls,
        storage: Storage,
        bus: RedisBus | None,
        reconciler: Reconciler,
    ) -> None:
        self.app = app
        self.crawls = crawls
        self._sweeper = sweeper
        self._sockets = sockets
        self._turns = turns
        self._acting = acting
        self._agent = agent
        self._storage = storage
        self._bus = bus
        self._reconciler = reconciler

    def start(self) -> None:
        self._sweeper.start()
        self._sockets.start()
        self._acting.start()
        if self._bus is not None:
            self._reconciler.start()

    async def stop(self) -> None:
        await self.crawls.stop()
        await self._sweeper.stop()
        await self._reconciler.stop()
        await self._turns.drain(DRAIN_SECONDS)
        await self._sockets.shutdown()
        await self._acting.stop()
        if self._bus is not None:
            await self._bus.close()
        await self._agent.close()
        await self._storage.close()


def build(settings: Settings, storage: Storage) -> Process:
    """Wire one process over an open storage."""
    limits = settings.limits
    policies = {site.id: default_policy(settings, site) for site in settings.sites}
    sites = Sites(settings.sites)
    gate = Gate(sites, settings.server.trusted_proxies)
    stats = Stats()
    bus = None if settings.bus is None else RedisBus(settings.bus, settings.storage.redis.prefix)
    sockets = SocketServer(
        client_manager=bus,
        gate=socket_gate(gate),
        ping_interval=settings.session.ping_interval,
        ping_timeout=settings.session.ping_timeout,
        max_frame=limits.frame_bytes,
        sockets_per_address=limits.sockets_per_address,
    )
    hub = Hub(sockets, bus)
    sockets.manager.delivered = hub.delivered
    agent = open_agent(settings.agent, settings.sites, storage.settings)
    hold = settings.session.task_hold
    acting = open_acting(
        storage.sessions, policies.__getitem__, hub, hub.seated, sites, stats, hold, lambda *name: turns.kick(*name)
    )
    turns = Turns(storage.sessions, agent, acting.tasks, policies.__getitem__, hub, settings.agent.deadline)
    replies = settings.agent.kind != "none"
    streams = Streams(turns.streams, turns.writes, bus)
    conversations = Conversations(storage, policies.__getitem__, limits, streams.of, replies)
    hub.dropped = turns.cancel
    reconciler = Reconciler(
        hub, storage.sessions, conversations.ref, lambda site_id: policies[site_id].retention().read_only_ms
    )
    if bus is not None:
        bus.heard, bus.gap = all_hear(hub.heard, streams.heard), reconciler.hurry
        reconciler.missed = acting.tasks.announce
    session_limit = RateLimit(limits.messages_per_minute)
    address_limit = RateLimit(limits.address_messages_per_minute)
    tasks = TaskEvents(hub, conversations, acting.tasks, acting.watch)
    Events(hub, conversations, turns, tasks, policies.__getitem__, stats, session_limit, address_limit).register(
        sockets
    )
    calls = visitor.VisitorCalls(
        conversations=conversations,
        turns=turns,
        outlet=hub,
        deleted=hub.deleted,
        stats=stats,
        init_limit=RateLimit(limits.init_per_minute),
        session_limit=session_limit,
        address_limit=address_limit,
    )
    vitals = ops.Vitals(
        storage,
        stats,
        lambda: len(hub),
        lambda: {"turns_failed": turns.failed, "bus_dropped": 0 if bus is None else bus.dropped},
    )
    routes = [
        *visitor.routes(limits.frame_bytes, gate, calls),
        *ops.routes(vitals),
        make_handler(sockets),
        *pages.routes(),
    ]
    idle_ttls = {site_id: policy.idle_ttl for site_id, policy in policies.items()}
    sweeper = Sweeper(storage, lambda: idle_ttls, turns, acting.tasks, hub.expired, sweep_interval(idle_ttls.values()))
    crawls = Crawls(settings.sites, SitePages(storage.settings), settings.crawler)
    app = Application(routes, log_function=log_access, default_handler_class=NotFoundHandler)
    front = RestoreFirst(UpgradeFirst(app, sockets.eio), gate, limits.frame_bytes, conversations, stats)
    return Process(front, sockets, turns, acting, sweeper, agent, crawls, storage, bus, reconciler)


def socket_gate(gate: Gate) -> Callable[[HTTPServerRequest], Admission]:
    """The Origin gate in front of the socket handshake."""

    def admit(request: HTTPServerRequest) -> Admission:
        try:
            return Admission(gate.admit(request), gate.address(request))
        except Problem as problem:
            raise Refusal(problem.status, problem.json()) from None

    return admit


def default_policy(settings: Settings, site: Site) -> Policy:
    """The rules of a site whose owner has changed nothing."""
    session = settings.session
    return Policy(
        client_ttl=session.client_ttl,
        user_data_ttl=session.user_data_ttl,
        idle_ttl=session.idle_ttl,
        task_hold=session.task_hold,
        read_only=session.takeover_read_only,
        message_log=site.message_log,
    )


def sweep_interval(idle_ttls: Iterable[float]) -> float:
    """Seconds between two sweeps: often enough for the shortest idle time, and for a turn left open by a crash."""
    return max(0.2, min(2.0, *(idle_ttl / 5 for idle_ttl in idle_ttls)))
