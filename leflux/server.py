"""Assembles one serving process: storage, sockets, HTTP, the slow timer; and takes it down again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

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
from leflux.owning import Owning, open_owning
from leflux.problems import Problem
from leflux.realtime.bus import RedisBus, all_hear
from leflux.realtime.engine import Admission, Refusal, make_handler
from leflux.realtime.engine import Server as SocketServer
from leflux.realtime.events import Events
from leflux.realtime.hub import Hub
from leflux.realtime.reconciler import Reconciler
from leflux.realtime.streams import Streams
from leflux.realtime.task_events import TaskEvents
from leflux.site_pages import SitePages
from leflux.sites import Sites
from leflux.stats import Stats
from leflux.sweeper import Sweeper
from leflux.turns import Turns
from leflux.web import admin, dashboard, description, ops, pages, visitor
from leflux.web.admin.desk import open_desk
from leflux.web.base import NotFoundHandler, log_access

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 8.0
STORE_RETRY = 1.0
# Beyond this a body is cut off; up to it, it is read and answered with 413.
BODY_SLACK = 8
RULES = "rules"


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

    def __init__(self, app: Application) -> None:
        self.app = app

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return self.app.start_request(server_conn, request_conn)


class LeFlux:
    """One process. `start` listens and returns the port; `stop` drains."""

    def __init__(self, settings: Settings, told: Callable[[str, str], None] = lambda _email, _password: None) -> None:
        """`told(email, password)` hears of the account that is made when there is none."""
        self.settings = settings
        self._told = told
        self._switch = _Switch(Application([(r".*", NotReadyHandler)], log_function=log_access))
        self._http: HTTPServer | None = None
        self.process: Process | None = None
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
            owning = await self._rules(storage)
        except StoreUnavailable as error:
            log.warning("the store does not answer; serving 503 until it does", reason=str(error))
            return False
        self.process = build(self.settings, storage, owning)
        self.process.start(self._told)
        self._switch.app = self.process.app
        self._begin()
        return True

    async def _rules(self, storage: Storage) -> Owning:
        """What the owners have decided so far: nobody is served by other rules."""
        owning = open_owning(self.settings, storage)
        try:
            await owning.refresher.load()
        except BaseException:
            await storage.close()
            raise
        return owning

    def _begin(self) -> None:
        """What needs both the open storage and the listening socket, whichever came last."""
        if self.process is not None and self._port and self.settings.agent.kind == "knowledge":
            self.process.crawls.begin(own_address(self.settings.server.host, self._port))

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
        if self.process is not None:
            await self.process.stop()
        if self._http is not None:
            await self._http.close_all_connections()


class Process:
    """The parts that live and end together."""

    def __init__(
        self,
        app: Application,
        sockets: SocketServer,
        turns: Turns,
        acting: Acting,
        sweeper: Sweeper,
        agent: Agent,
        crawls: Crawls,
        storage: Storage,
        bus: RedisBus | None,
        reconciler: Reconciler,
        owning: Owning,
    ) -> None:
        self.app = app
        self.owning = owning
        self.crawls = crawls
        self._sweeper = sweeper
        self._sockets = sockets
        self._turns = turns
        self._acting = acting
        self._agent = agent
        self.storage = storage
        self._bus = bus
        self._reconciler = reconciler

    def start(self, told: Callable[[str, str], None]) -> None:
        self.owning.start(told)
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
        await self.owning.stop()
        if self._bus is not None:
            await self._bus.close()
        await self._agent.close()
        await self.storage.close()


def build(settings: Settings, storage: Storage, owning: Owning) -> Process:
    """Wire one process over an open storage."""
    limits = settings.limits
    policies = owning.policies
    sites = Sites(settings.sites)
    gate = Gate(sites, settings.server.trusted_proxies)
    stats = Stats(owning.analytics)
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
        storage.sessions, policies, hub, hub.seated, sites, stats, hold, lambda *name: turns.kick(*name)
    )
    turns = Turns(storage.sessions, agent, acting.tasks, policies, hub, settings.agent.deadline)
    replies = settings.agent.kind != "none"
    streams = Streams(turns.streams, turns.writes, bus)
    conversations = Conversations(storage, policies, owning.appearances, limits, streams.of, replies)
    hub.dropped = turns.cancel
    reconciler = Reconciler(
        hub, storage.sessions, conversations.ref, lambda site_id: policies(site_id).retention().read_only_ms
    )
    if bus is not None:
        bus.heard, bus.gap = all_hear(heard_by(hub, owning), streams.heard), reconciler.hurry
        owning.refresher.tell = lambda: bus.tell(RULES, {})
        reconciler.missed = acting.tasks.announce
    session_limit = RateLimit(limits.messages_per_minute)
    address_limit = RateLimit(limits.address_messages_per_minute)
    tasks = TaskEvents(hub, conversations, acting.tasks, acting.watch)
    Events(hub, conversations, turns, tasks, policies, stats, session_limit, address_limit).register(sockets)
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
    crawls = Crawls(settings.sites, SitePages(storage.settings), settings.crawler)
    routes = [
        *visitor.routes(limits.frame_bytes, gate, calls),
        *ops.routes(vitals),
        make_handler(sockets),
        *description.routes(),
        *pages.routes(),
        *dashboard.routes(settings.dashboard.enabled),
    ]
    idle_ttls = policies.idle_ttls
    sweeper = Sweeper(storage, idle_ttls, turns, acting.tasks, hub.expired, sweep_interval(idle_ttls().values()))
    if settings.dashboard.enabled:
        desk = open_desk(settings, storage, owning, conversations, turns, crawls, gate, hub.deleted)
        routes += admin.routes(limits.frame_bytes, desk)
    app = Application(routes, log_function=log_access, default_handler_class=NotFoundHandler)
    return Process(app, sockets, turns, acting, sweeper, agent, crawls, storage, bus, reconciler, owning)


def socket_gate(gate: Gate) -> Callable[[HTTPServerRequest], Admission]:
    """The Origin gate in front of the socket handshake."""

    def admit(request: HTTPServerRequest) -> Admission:
        try:
            return Admission(gate.admit(request), gate.address(request))
        except Problem as problem:
            raise Refusal(problem.status, problem.json()) from None

    return admit


def heard_by(hub: Hub, owning: Owning) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """What a note from another process sets in motion."""

    async def heard(kind: str, payload: dict[str, Any]) -> None:
        if kind == RULES:
            owning.refresher.hurry()
        else:
            await hub.heard(kind, payload)

    return heard


def sweep_interval(idle_ttls: Iterable[float]) -> float:
    """Seconds between two sweeps: often enough for the shortest idle time, and for a turn left open by a crash."""
    return max(0.2, min(2.0, *(idle_ttl / 5 for idle_ttl in idle_ttls)))
