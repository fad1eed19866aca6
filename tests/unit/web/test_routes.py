"""The HTTP handlers on Tornado's own loop, by pytest-tornado; beside pytest-asyncio's automatic mode."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.ioloop import IOLoop
from tornado.web import Application

from backends.errors import StoreUnavailable
from backends.records import LogEntry
from leflux.http1.latency import Latencies
from leflux.owner.analytics import Stats
from leflux.web import ops, pages
from leflux.web.base import NotFoundHandler
from leflux.web.readiness import Readiness


class Sessions:
    async def active(self) -> int:
        return 3

    async def outbox_size(self) -> int:
        return 7

    async def outbox(self, limit: int) -> list[LogEntry]:
        ts = round(time.time() * 1000) - 61_000
        return [LogEntry("shop", "session", 1, ts, "id", "visitor", "text", b"{}", ts)][:limit]


class Storage:
    """A storage that can be told to be down."""

    def __init__(self) -> None:
        self.down = False
        self.sessions = Sessions()

    async def ping(self) -> None:
        if self.down:
            raise StoreUnavailable("a secret host name")


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def app(storage: Storage, tmp_path: Path) -> Application:
    (tmp_path / "leflux-agent.js").write_text("let widget = 'é';\n" * 100, "utf-8")
    typed: Any = storage
    gauges = {"turns_failed": 1.0}
    vitals = ops.OpsDependencies(Readiness(typed), typed, Stats(), lambda: 2, lambda: gauges, lambda: (), Latencies())
    scripts = {"scripts": pages.agent_scripts(tmp_path)}
    routes = [*ops.routes(vitals), (r"/leflux-agent\.js", pages.ScriptHandler, scripts)]
    return Application(routes, default_handler_class=NotFoundHandler, log_function=id)


class Web:
    """Fetches from the application and never raises for a status."""

    def __init__(self, io_loop: IOLoop, client: AsyncHTTPClient, base: str) -> None:
        self._io_loop = io_loop
        self._client = client
        self._base = base

    def __call__(self, path: str, **options: Any) -> HTTPResponse:
        answer: HTTPResponse = self._io_loop.run_sync(
            lambda: self._client.fetch(self._base + path, raise_error=False, **options), timeout=30
        )
        return answer


@pytest.fixture
def web(io_loop: IOLoop, http_client: AsyncHTTPClient, base_url: str) -> Web:
    return Web(io_loop, http_client, base_url)


def test_health_answers_while_the_process_serves(web: Web, storage: Storage) -> None:
    storage.down = True
    response = web("/health")
    assert (response.code, json.loads(response.body)) == (200, {"status": "ok"})
    assert response.headers["Cache-Control"] == "no-store"


def test_ready_says_whether_the_store_answers_and_not_why(web: Web, storage: Storage) -> None:
    assert web("/ready").code == 200
    storage.down = True
    response = web("/ready")
    assert response.code == 503
    assert b"secret" not in response.body


def test_stats_and_metrics_count(web: Web) -> None:
    stats = json.loads(web("/api/stats").body)
    assert (stats["activeSessions"], stats["connectedSockets"], stats["messagesProcessed"]) == (3, 2, 0)
    assert stats["restores"] == {"full": 0, "partial": 0, "new": 0}
    metrics = web("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in (b"leflux_sockets 2.0", b"leflux_outbox_lines 7.0", b"leflux_turns_failed 1.0"):
        assert line in metrics.body
    [age] = [line.split()[1] for line in metrics.body.splitlines() if line.startswith(b"leflux_outbox_oldest_seconds ")]
    assert float(age) >= 60


def test_a_script_is_for_every_origin_cached_and_compressed(web: Web) -> None:
    plain = web("/leflux-agent.js")
    assert plain.code == 200
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" not in plain.headers["Cache-Control"]
    assert "immutable" in web("/leflux-agent.js?v=1").headers["Cache-Control"]
    zipped = web("/leflux-agent.js", decompress_response=True)
    assert zipped.body == plain.body
    unchanged = web("/leflux-agent.js", headers={"If-None-Match": plain.headers["Etag"]})
    assert (unchanged.code, unchanged.body) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api/session", "/health/", "/%2e%2e/etc/passwd", "/leflux-agent.js/x"]
)
def test_whatever_has_no_route_is_one_kind_of_404(web: Web, path: str) -> None:
    response = web(path)
    assert (response.code, json.loads(response.body)["error"]) == (404, "not_found")


def test_a_wrong_method_is_a_clear_error(web: Web) -> None:
    response = web("/health", method="POST", body=b"")
    assert (response.code, json.loads(response.body)["error"]) == (405, "method_not_allowed")
