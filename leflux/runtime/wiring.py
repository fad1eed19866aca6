"""Wires the parts of one serving process, and starts and stops them together."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tornado.httputil import HTTPServerConnectionDelegate
from tornado.web import Application

from backends.base import Storage
from backends.records import SessionRef
from leflux.agents import open_agent
from leflux.agents.answering import Answering
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.chat.ports import ChatPorts, ChatRates
from leflux.chat.service import Chat
from leflux.common.server_key import ServerKey
from leflux.common.signals import Signal
from leflux.config import Settings
from leflux.http1.latency import Latencies
from leflux.notices.service import NOTICES, NoticeService
from leflux.owner.access import OwnerAccess
from leflux.owner.analytics import Stats
from leflux.owner.service import RULES, OwnerService
from leflux.protocol import SESSION_DELETED
from leflux.realtime.bus import RedisBus, open_bus
from leflux.realtime.conversation_feed import ConversationFeed
from leflux.realtime.engine import EVENTS_PER_MESSAGE, Gates, LocalManager, SocketFront
from leflux.realtime.engine import Server as SocketServer
from leflux.realtime.events import Events
from leflux.realtime.hub import Hub, NoBus, VisitorSockets
from leflux.realtime.notes import GAP, GONE, Bus
from leflux.realtime.presence import VisitorPresence
from leflux.realtime.rate_counter import RedisRateCounter
from leflux.realtime.reconciler import Reconciler
from leflux.realtime.streams import Streams
from leflux.realtime.task_events import TaskEvents
from leflux.runtime.observing import open_ops
from leflux.runtime.owner_sockets import late_gate, open_owner_sockets, socket_gate
from leflux.runtime.store_watch import StoreWatch
from leflux.runtime.sweeper import Sweeper, sweep_interval
from leflux.sites.origin_gate import OriginGate
from leflux.sites.rate_limits import NEAR_LIMIT, FleetLimit, LookupLimit, RateLimit
from leflux.sites.registry import Sites
from leflux.sites.turned_away import TurnedAway
from leflux.tasks.service import TaskPorts, open_tasks
from leflux.web import admin, dashboard, demo, ops, pages, tour
from leflux.web.admin.dependencies import open_dependencies
from leflux.web.base import NotFoundHandler
from leflux.web.strict_transport import strict_transport
from leflux.web.visitor import VisitorCalls

DRAIN_SECONDS = 8.0
# Seconds between two comparisons of the sockets with the store. Without a bus there is no other process that serves,
# but a command may have erased a conversation.
RECONCILE, RECONCILE_ALONE = 2.0, 20.0


class Process:
    """One serving process over an open storage. The parts are made in the order in which they depend on each other."""

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        owner_service: OwnerService,
        latencies: Latencies,
        restart: Callable[[], None] | None = None,
    ) -> None:
        """`restart`: ends this process and starts it again, for the demo's tour."""
        self._settings = settings
        self._restart = restart
        self._latencies = latencies
        self._watch = StoreWatch(settings)
        self.storage = storage
        self.owner_service = owner_service
        self._policy = owner_service.policies.current.__getitem__
        self._sites = Sites(settings.sites)
        self._turned_away = TurnedAway(storage.settings, self._sites)
        self._gate = OriginGate(self._sites, settings.server.trusted_proxies, self._turned_away.note)
        self._access = OwnerAccess(owner_service.accounts, self._gate, settings.server.public_url)
        self._stats = Stats(owner_service.analytics)
        self._wire_sockets()
        self.notices = NoticeService(settings, storage, owner_service.notices, self._bus.tell)
        self._bus.subscribe(NOTICES, self.notices.heard)
        self._address_limit = self._fleet_limit("address", settings.limits.address_messages_per_minute)
        self._wire_answering()
        self._wire_chat()
        self._wire_dashboard()
        self._wire_timers()
        self.front = self._wire_http()

    def _wire_sockets(self) -> None:
        settings, self._sockets = self._settings, VisitorSockets()
        bus, delivered = settings.bus, self._sockets.delivered
        self._fleet_bus = None if bus is None else open_bus(bus, settings.bus_prefix, delivered)
        self._bus: Bus = self._fleet_bus or NoBus()
        self._counter = RedisRateCounter(self._fleet_bus) if isinstance(self._fleet_bus, RedisBus) else None
        gates = Gates(socket_gate(self._gate))
        if settings.dashboard.enabled:
            gates = Gates(socket_gate(self._gate, self._access), late_gate(self._gate, self._access))
        self._server = SocketServer(
            client_manager=self._fleet_bus or LocalManager(delivered),
            gates=gates,
            ping_interval=settings.session.ping_interval,
            ping_timeout=settings.session.ping_timeout,
            max_frame=settings.limits.frame_bytes,
            sockets_per_address=settings.limits.sockets_per_address,
            events_per_minute=settings.limits.messages_per_minute * EVENTS_PER_MESSAGE,
            address_events_per_minute=settings.limits.address_messages_per_minute * EVENTS_PER_MESSAGE,
        )
        self._hub = Hub(self._server, self._sockets, self._bus)

    def _fleet_limit(self, name: str, per_minute: int) -> FleetLimit:
        limit = FleetLimit(name, per_minute, self._counter, partial(self._bus.tell, NEAR_LIMIT))
        self._bus.subscribe(NEAR_LIMIT, limit.heard)
        return limit

    def _wire_answering(self) -> None:
        settings, wake = self._settings, Signal[[str, str]]()
        self._tasks = open_tasks(
            TaskPorts(
                store=self.storage.sessions,
                policy=self._policy,
                visitors=self._hub,
                position=self._sockets.position,
                sites=self._sites,
                stats=self._stats,
                hold=settings.session.task_hold,
                wake=wake,
                events=self.notices.recorder,
            )
        )
        self._agent = open_agent(settings.agent, settings.sites, self.storage.settings)
        self._answering = Answering(
            store=self.storage.sessions,
            agent=self._agent,
            tasks=self._tasks.engine,
            policy=self._policy,
            visitors=self._hub,
            deadline=settings.agent.deadline,
            events=self.notices.recorder,
        )
        wake.subscribe(self._answering.wake)

        async def gone(note: dict[str, Any]) -> None:
            if note["event"] == SESSION_DELETED:
                self._answering.cancel(note["sessionId"])

        self._bus.subscribe(GONE, gone)

    def _wire_chat(self) -> None:
        limits, answering = self._settings.limits, self._answering
        self._feed = ConversationFeed(self._server, ConversationIdSource(ServerKey(self.storage.settings)), self._bus)
        streams = Streams(answering.streams, answering.writes, answering.stop, self._bus)
        self._chat = Chat(
            ChatPorts(
                storage=self.storage,
                policy=self._policy,
                config=self.owner_service.appearances.current.__getitem__,
                sockets=self._hub,
                answering=answering,
                tasks=self._tasks.engine,
                streams=streams.of,
                stop=streams.stop,
                counter=self._stats,
                limits=limits,
                rates=ChatRates(
                    starts=self._fleet_limit("starts", limits.init_per_minute),
                    session=self._fleet_limit("session", limits.messages_per_minute),
                    address=self._address_limit,
                    lookups=LookupLimit(),
                ),
                events=self.notices.recorder,
                news=self._feed,
            )
        )
        self._presence = VisitorPresence(self._hub, self._sockets, answering, self._tasks.engine, self._policy)
        self._feed.subscribe(self._presence.heard)
        tasks = TaskEvents(self._chat, self._tasks.engine)
        Events(self._chat, tasks, self._hub, self._sockets).register(self._server)

    def _wire_dashboard(self) -> None:
        self._bus.subscribe(RULES, self.owner_service.heard)
        self._dashboard = open_owner_sockets(
            settings=self._settings,
            storage=self.storage,
            access=self._access,
            server=self._server,
            bus=self._bus,
            chat=self._chat,
            address_limit=self._address_limit.local,
        )
        self.crawls = self._dashboard.crawls

    def _wire_timers(self) -> None:
        async def missed(ref: SessionRef) -> None:
            self._stats.missed(ref.site_id)
            await self._tasks.engine.announce(ref)

        async def gap(_: dict[str, Any]) -> None:
            self._reconciler.hurry()

        self._reconciler = Reconciler(
            hub=self._hub,
            sockets=self._sockets,
            store=self.storage.sessions,
            policy=self._policy,
            missed=missed,
            presence=self._presence,
            interval=RECONCILE_ALONE if self._bus.is_alone else RECONCILE,
        )
        self._bus.subscribe(GAP, gap)
        policies = self.owner_service.policies
        self._sweeper = Sweeper(
            storage=self.storage,
            rules=policies,
            answering=self._answering,
            tasks=self._tasks.engine,
            expired=self._hub.expired,
            events=self.notices.recorder,
            interval=sweep_interval(policies.idle_ttls().values()),
        )

    def _wire_http(self) -> HTTPServerConnectionDelegate:
        """The visitors' calls in front, then the socket handshakes, then the application."""
        settings, cap, forms = self._settings, self._settings.limits.frame_bytes, demo.FormLog()
        base_path = settings.server.base_path
        routes = [*ops.routes(self._ops()), *pages.routes(), *dashboard.routes(settings.dashboard.enabled, base_path)]
        if settings.dashboard.enabled:
            dependencies = open_dependencies(
                settings=settings,
                storage=self.storage,
                owner_service=self.owner_service,
                chat=self._chat,
                crawls=self.crawls,
                crawl_progress=self._dashboard.feed.refresh,
                access=self._access,
                notices=self.notices,
                turned_away=self._turned_away,
                rules_changed=lambda: self._bus.tell(RULES, {}),
                warnings=lambda: self._watch.warnings,
            )
            routes += admin.routes(cap, dependencies)
            if settings.demo.enabled:
                routes += demo.owner_routes(forms, cap, dependencies)
        interruptions = tour.Interruptions(self._server.eio.hang_up)
        controls = tour.TourControls(interruptions, self._restart, self._stats.uptime)
        routes += tour.routes(controls if settings.demo.enabled else None, settings.dashboard.enabled, base_path)
        if settings.demo.enabled:
            routes += demo.routes(forms)
        app = Application(routes, log_function=id, default_handler_class=NotFoundHandler)
        app.add_transform(strict_transport(self._access.is_secure))
        calls = RateLimit(settings.limits.address_messages_per_minute * EVENTS_PER_MESSAGE)
        front = VisitorCalls(SocketFront(app, self._server.eio), self._gate, self._chat, calls, cap)
        return interruptions.before(front) if settings.demo.enabled else front

    def _ops(self) -> ops.OpsDependencies:
        return open_ops(
            storage=self.storage,
            stats=self._stats,
            sockets=self._sockets,
            answering=self._answering,
            bus=self._fleet_bus,
            watch=self._watch,
            notices=self.notices,
            latencies=self._latencies,
        )

    def start(self, told: Callable[[str, str], None]) -> None:
        """`told(email, password)`: see `OwnerService.start`."""
        self._watch.start()
        self.owner_service.start(told)
        self._sweeper.start()
        self._server.start()
        self._tasks.start()
        self._reconciler.start()
        self._dashboard.start()
        self.notices.start()
        self._turned_away.start()

    async def stop(self) -> None:
        await self._watch.stop()
        await self._dashboard.stop()
        await self._sweeper.stop()
        await self._reconciler.stop()
        await self._answering.drain(DRAIN_SECONDS)
        await self.notices.stop()
        await self._turned_away.stop()
        await self._server.shutdown()
        await self._tasks.stop()
        await self.owner_service.stop()
        if self._counter is not None:
            await self._counter.close()
        if self._fleet_bus is not None:
            await self._fleet_bus.close()
        await self._agent.close()
        await self.storage.close()
