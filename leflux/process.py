"""Wires the parts of one serving process, and starts and stops them together."""

from collections.abc import Awaitable, Callable, Iterable

from tornado.httputil import HTTPServerConnectionDelegate
from tornado.web import Application

from backends.base import Storage
from backends.records import SessionRef
from leflux.acting import Acting, open_acting
from leflux.agents import open_agent
from leflux.agents.base import Agent
from leflux.config import Settings
from leflux.conversation import Conversations
from leflux.gate import Gate
from leflux.limits import RateLimit
from leflux.owner_sockets import OwnerSockets, open_owner_sockets, socket_gate
from leflux.owning import RULES, Owning
from leflux.policies import Policies
from leflux.realtime.bus import RedisBus, all_hear
from leflux.realtime.engine import Server as SocketServer
from leflux.realtime.engine import UpgradeFirst, make_handler
from leflux.realtime.events import Events
from leflux.realtime.hub import Hub
from leflux.realtime.reconciler import Reconciler
from leflux.realtime.streams import Streams
from leflux.realtime.task_events import TaskEvents
from leflux.sites import Sites
from leflux.stats import Stats
from leflux.sweeper import Sweeper
from leflux.turns import Turns
from leflux.web import admin, dashboard, description, ops, pages, visitor
from leflux.web.admin.desk import open_desk
from leflux.web.base import NotFoundHandler, log_access
from leflux.web.restore import RestoreFirst

DRAIN_SECONDS = 8.0
# Seconds between two comparisons of the sockets with the store. Without a bus there is no other process that serves,
# but a command may have erased a conversation.
RECONCILE, RECONCILE_ALONE = 2.0, 20.0


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
        owner_sockets: OwnerSockets,
        storage: Storage,
        bus: RedisBus | None,
        reconciler: Reconciler,
        owning: Owning,
    ) -> None:
        self.app = app
        self.owning = owning
        self.crawls = owner_sockets.crawls
        self._owner_sockets = owner_sockets
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
        self._reconciler.start()
        self._owner_sockets.start()

    async def stop(self) -> None:
        await self._owner_sockets.stop()
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
    limits, policies, sites = settings.limits, owning.policies, Sites(settings.sites)
    gate = Gate(sites, settings.server.trusted_proxies)
    stats = Stats(owning.analytics)
    bus = None if settings.bus is None else RedisBus(settings.bus, settings.storage.redis.prefix)
    sockets = _sockets(settings, gate, bus)
    hub = Hub(sockets, bus)
    sockets.manager.delivered = hub.delivered
    agent = open_agent(settings.agent, settings.sites, storage.settings)
    hold = settings.session.task_hold
    acting = open_acting(
        storage.sessions, policies, hub, hub.seated, sites, stats, hold, lambda *name: turns.kick(*name)
    )
    turns = Turns(storage.sessions, agent, acting.tasks, policies, hub, settings.agent.deadline)
    streams = Streams(turns.streams, turns.writes, bus)
    replies = settings.agent.kind != "none"
    conversations = Conversations(storage, policies, owning.appearances, limits, streams.of, replies)
    hub.dropped = turns.cancel
    reconciler = _reconciler(storage, hub, conversations, policies, bus)
    reconciler.missed = caught_up(stats, acting)
    per_session, per_address = RateLimit(limits.messages_per_minute), RateLimit(limits.address_messages_per_minute)
    tasks = TaskEvents(hub, conversations, acting.tasks, acting.watch)
    Events(hub, conversations, turns, tasks, policies, stats, per_session, per_address).register(sockets)
    init = RateLimit(limits.init_per_minute)
    calls = visitor.VisitorCalls(conversations, turns, hub, hub.deleted, stats, init, per_session, per_address)
    owner_sockets = open_owner_sockets(settings, storage, owning.owners, gate, sockets, bus, per_address)
    if bus is not None:
        bus.heard = all_hear(hub.heard, streams.heard, owning.heard, owner_sockets.feed.heard)
        bus.gap = reconciler.hurry
        owning.refresher.tell = lambda: bus.tell(RULES, {})
    idle_ttls = policies.idle_ttls
    sweeper = Sweeper(storage, idle_ttls, turns, acting.tasks, hub.expired, sweep_interval(idle_ttls().values()))
    app = _application(settings, storage, owning, gate, sockets, hub, bus, calls, owner_sockets)
    front = RestoreFirst(UpgradeFirst(app, sockets.eio), gate, limits.frame_bytes, conversations, stats)
    return Process(front, sockets, turns, acting, sweeper, agent, owner_sockets, storage, bus, reconciler, owning)


def _sockets(settings: Settings, gate: Gate, bus: RedisBus | None) -> SocketServer:
    return SocketServer(
        client_manager=bus,
        gate=socket_gate(gate),
        ping_interval=settings.session.ping_interval,
        ping_timeout=settings.session.ping_timeout,
        max_frame=settings.limits.frame_bytes,
        sockets_per_address=settings.limits.sockets_per_address,
    )


def _reconciler(
    storage: Storage, hub: Hub, conversations: Conversations, policies: Policies, bus: RedisBus | None
) -> Reconciler:
    return Reconciler(
        hub,
        storage.sessions,
        conversations.ref,
        lambda site_id: policies(site_id).retention().read_only_ms,
        RECONCILE if bus is not None else RECONCILE_ALONE,
    )


def _application(
    settings: Settings,
    storage: Storage,
    owning: Owning,
    gate: Gate,
    sockets: SocketServer,
    hub: Hub,
    bus: RedisBus | None,
    calls: visitor.VisitorCalls,
    owner_sockets: OwnerSockets,
) -> Application:
    """Everything that is answered over HTTP."""
    body_cap, turns = settings.limits.frame_bytes, calls.turns

    def counters() -> dict[str, float]:
        return {"turns_failed": turns.failed, "bus_dropped": 0 if bus is None else bus.dropped}

    routes = [
        *visitor.routes(body_cap, gate, calls),
        *ops.routes(ops.Vitals(storage, calls.stats, lambda: len(hub), counters)),
        make_handler(sockets),
        *description.routes(),
        *pages.routes(),
        *dashboard.routes(settings.dashboard.enabled),
    ]
    if settings.dashboard.enabled:
        owner, crawls = owner_sockets.gate, (owner_sockets.crawls, owner_sockets.feed.refresh)
        desk = open_desk(settings, storage, owning, calls.conversations, turns, *crawls, gate, owner, hub.deleted)
        routes += admin.routes(body_cap, desk)
    return Application(routes, log_function=log_access, default_handler_class=NotFoundHandler)


def caught_up(stats: Stats, acting: Acting) -> Callable[[SessionRef], Awaitable[None]]:
    """What follows when a socket had missed messages and got them from the store."""

    async def missed(ref: SessionRef) -> None:
        stats.missed(ref.site_id)
        await acting.tasks.announce(ref)

    return missed


def sweep_interval(idle_ttls: Iterable[float]) -> float:
    """Seconds between two sweeps: often enough for the shortest idle time, and for a turn left open by a crash."""
    return max(0.2, min(2.0, *(idle_ttl / 5 for idle_ttl in idle_ttls)))
