"""Assembles what the operator's calls report on: readiness, statistics, metrics."""

from backends.base import Storage
from leflux.agents.answering import Answering
from leflux.http1.latency import Latencies
from leflux.notices.service import NoticeService
from leflux.owner.analytics import Stats
from leflux.realtime.hub import VisitorSockets
from leflux.realtime.queued_bus import QueuedBus
from leflux.runtime.store_watch import StoreWatch
from leflux.web.ops import OpsDependencies
from leflux.web.readiness import Readiness


def open_ops(
    *,
    storage: Storage,
    stats: Stats,
    sockets: VisitorSockets,
    answering: Answering,
    bus: QueuedBus | None,
    watch: StoreWatch,
    notices: NoticeService,
    latencies: Latencies,
) -> OpsDependencies:
    """`bus` None: this process is alone."""

    def gauges() -> dict[str, float]:
        return {
            "turns_failed": answering.failed,
            "bus_dropped": 0 if bus is None else bus.dropped,
            "store_warnings": len(watch.warnings),
            **notices.gauges(),
        }

    return OpsDependencies(
        readiness=Readiness(storage),
        storage=storage,
        stats=stats,
        sockets=lambda: len(sockets.sockets),
        gauges=gauges,
        warnings=lambda: watch.warnings,
        latencies=latencies,
    )
