"""For operators: health, readiness, counters and Prometheus metrics."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog
from msgspec import Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from tornado.web import RequestHandler

from backends.base import SessionStore, Storage
from backends.errors import StorageError
from leflux import __version__
from leflux.stats import Stats
from leflux.web.base import JsonHandler

log = structlog.get_logger(__name__)
READY_WITHIN = 5.0


class Vitals(Struct, frozen=True):
    """What the handlers below report on. `sockets` counts this process's connected sockets."""

    storage: Storage
    stats: Stats
    sockets: Callable[[], int]
    gauges: Callable[[], dict[str, float]]


class Lag(Struct, frozen=True):
    """How far the message log is behind: lines, and the age of the oldest."""

    lines: int
    seconds: float


async def outbox_lag(store: SessionStore) -> Lag:
    lines = await store.outbox_size()
    waiting = await store.outbox(1) if lines else []
    return Lag(lines, max(0.0, time.time() - waiting[0].ts / 1000) if waiting else 0.0)


class _Ops(JsonHandler):
    def initialize(self, vitals: Vitals) -> None:  # type: ignore[override]
        self.vitals = vitals


class HealthHandler(_Ops):
    """200 while the process serves."""

    def get(self) -> None:
        self.answer({"status": "ok"})


class ReadyHandler(_Ops):
    """200 when the store of the conversations answers, else 503. A message log that is away stops no chat."""

    async def get(self) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self.vitals.storage.ping()
        except (StorageError, TimeoutError) as error:
            self.answer({"status": "unready", "reason": type(error).__name__}, 503)
        else:
            self.answer({"status": "ready"})


class StatsHandler(_Ops):
    async def get(self) -> None:
        stats = self.vitals.stats
        self.answer(
            {
                "uptimeSeconds": round(stats.uptime(), 3),
                "activeSessions": await self.vitals.storage.sessions.active(),
                "connectedSockets": self.vitals.sockets(),
                "messagesProcessed": stats.messages,
                "restores": stats.restores,
                "version": __version__,
            }
        )


class _Metrics(Collector):
    def __init__(self, vitals: Vitals, lag: Lag | None) -> None:
        self._vitals = vitals
        self._outbox = lag

    def collect(self) -> Iterable[Metric]:
        stats = self._vitals.stats
        yield GaugeMetricFamily("leflux_uptime_seconds", "Seconds since the process started", value=stats.uptime())
        yield GaugeMetricFamily("leflux_sockets", "Connected sockets", value=self._vitals.sockets())
        yield CounterMetricFamily("leflux_messages", "Visitor messages stored", value=stats.messages)
        restores = CounterMetricFamily("leflux_restores", "Page views by how they were restored", labels=["how"])
        for how, count in stats.restores.items():
            restores.add_metric([how], count)
        yield restores
        tasks = CounterMetricFamily("leflux_tasks", "Tasks on visitors' pages by what became of them", labels=["how"])
        for outcome, count in stats.tasks.items():
            tasks.add_metric([outcome], count)
        yield tasks
        yield from self._lag()
        for name, value in self._vitals.gauges().items():
            yield GaugeMetricFamily(f"leflux_{name}", name.replace("_", " "), value=value)

    def _lag(self) -> Iterable[Metric]:
        """Left out when the store does not answer: no number is better than a wrong one."""
        if self._outbox is None:
            return
        lines, oldest = "Log lines that wait for the message log", "Age of the oldest line that waits"
        yield GaugeMetricFamily("leflux_outbox_lines", lines, value=self._outbox.lines)
        yield GaugeMetricFamily("leflux_outbox_oldest_seconds", oldest, value=self._outbox.seconds)


class MetricsHandler(RequestHandler):
    def initialize(self, vitals: Vitals) -> None:
        self._vitals = vitals

    async def get(self) -> None:
        try:
            lag = await outbox_lag(self._vitals.storage.sessions)
        except StorageError:
            lag = None
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Metrics(self._vitals, lag))
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(generate_latest(registry))


def routes(vitals: Vitals) -> Sequence[tuple[str, Any, dict[str, Any]]]:
    arguments = {"vitals": vitals}
    return [
        (r"/health", HealthHandler, arguments),
        (r"/ready", ReadyHandler, arguments),
        (r"/api/stats", StatsHandler, arguments),
        (r"/metrics", MetricsHandler, arguments),
    ]
