"""Health, readiness, counters and Prometheus metrics, for operators."""

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import structlog
from msgspec import Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from backends.base import Outbox, Storage
from backends.errors import StorageError
from leflux import __version__
from leflux.http1.latency import BUCKETS, Latencies
from leflux.owner.analytics import Stats
from leflux.web.base import JsonHandler, PlainHandler
from leflux.web.readiness import Readiness

log = structlog.get_logger(__name__)
BUILD = {"version": __version__, "python": platform.python_version()}


class OpsDependencies(Struct, frozen=True):
    """What the handlers below report on. `sockets` counts connected sockets; `warnings` are those of `StoreWatch`."""

    readiness: Readiness
    storage: Storage
    stats: Stats
    sockets: Callable[[], int]
    gauges: Callable[[], dict[str, float]]
    warnings: Callable[[], Sequence[str]]
    latencies: Latencies


class Lag(Struct, frozen=True):
    """How far the message log is behind: lines, and the age of the oldest."""

    lines: int
    seconds: float


async def outbox_lag(store: Outbox) -> Lag:
    lines = await store.outbox_size()
    waiting = await store.outbox(1) if lines else []
    return Lag(lines, max(0.0, time.time() - waiting[0].ts / 1000) if waiting else 0.0)


class _Ops(JsonHandler):
    def initialize(self, dependencies: OpsDependencies) -> None:  # type: ignore[override]
        self.dependencies = dependencies


class HealthHandler(_Ops):
    """200 while the process serves."""

    def get(self) -> None:
        self.answer({"status": "ok"})


class ReadyHandler(_Ops):
    """200 when the store of the conversations takes writes, else 503. A message log that is away stops no chat."""

    async def get(self) -> None:
        reason = await self.dependencies.readiness.check()
        warnings = list(self.dependencies.warnings())
        found = {"warnings": warnings} if warnings else {}
        if reason is None:
            self.answer({"status": "ready"} | found)
        else:
            self.answer({"status": "unready", "reason": reason} | found, 503)


class StatsHandler(_Ops):
    async def get(self) -> None:
        stats = self.dependencies.stats
        self.answer(
            {
                "uptimeSeconds": round(stats.uptime(), 3),
                "activeSessions": await self.dependencies.storage.sessions.active(),
                "connectedSockets": self.dependencies.sockets(),
                "messagesProcessed": stats.messages,
                "restores": stats.restores,
                "version": __version__,
            }
        )


class _Metrics(Collector):
    def __init__(self, dependencies: OpsDependencies, lag: Lag | None) -> None:
        self._dependencies = dependencies
        self._outbox = lag

    def collect(self) -> Iterable[Metric]:
        stats = self._dependencies.stats
        yield GaugeMetricFamily("leflux_uptime_seconds", "Seconds since the process started", value=stats.uptime())
        yield GaugeMetricFamily("leflux_sockets", "Connected sockets", value=self._dependencies.sockets())
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
        yield from self._latencies()
        build = InfoMetricFamily("leflux_build", "What serves", value=BUILD)
        yield build
        for name, value in self._dependencies.gauges().items():
            yield GaugeMetricFamily(f"leflux_{name}", name.replace("_", " "), value=value)

    def _latencies(self) -> Iterable[Metric]:
        name, labels = "leflux_http_seconds", ["call", "status"]
        family = HistogramMetricFamily(name, "Seconds from a request to its whole answer", labels=labels)
        edges = [*map(str, BUCKETS), "+Inf"]
        latencies = self._dependencies.latencies
        for key, counts in list(latencies.counts.items()):
            family.add_metric(list(key), list(zip(edges, accumulate(counts), strict=True)), latencies.sums[key])
        yield family

    def _lag(self) -> Iterable[Metric]:
        """Left out when the store does not answer: no number is better than a wrong one."""
        if self._outbox is None:
            return
        lines, oldest = "Log lines that wait for the message log", "Age of the oldest line that waits"
        yield GaugeMetricFamily("leflux_outbox_lines", lines, value=self._outbox.lines)
        yield GaugeMetricFamily("leflux_outbox_oldest_seconds", oldest, value=self._outbox.seconds)


class MetricsHandler(PlainHandler):
    def initialize(self, dependencies: OpsDependencies) -> None:
        self._dependencies = dependencies

    async def get(self) -> None:
        try:
            lag = await outbox_lag(self._dependencies.storage.sessions)
        except StorageError:
            lag = None
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Metrics(self._dependencies, lag))
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(generate_latest(registry))


def routes(dependencies: OpsDependencies) -> Sequence[tuple[str, Any, dict[str, Any]]]:
    arguments = {"dependencies": dependencies}
    return [
        (r"/health", HealthHandler, arguments),
        (r"/ready", ReadyHandler, arguments),
        (r"/api/stats", StatsHandler, arguments),
        (r"/metrics", MetricsHandler, arguments),
    ]
