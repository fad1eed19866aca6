"""The tour on `/` where the demo is on; elsewhere `/` is a small page that says what serves here.

Two of the tour's buttons break the server for everybody, so that only a browser on this machine may press them: one
hangs up on the chat for some seconds, one starts the server again.
"""

import ipaddress
import time
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.template import Loader, Template
from tornado.web import HTTPError

from leflux import __version__
from leflux.http1 import Exchange
from leflux.web.base import PlainHandler
from leflux.web.demo import DEMO, policy

CUT_SECONDS = 8.0
CUT_PATHS = ("/api/session/", "/api/chat", "/socket.io/")
PLAIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PLAIN = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex"><title>LeFlux</title>
<style>body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem; }}
a {{ color: #5b4bdb; }} @media (prefers-color-scheme: dark) {{ a {{ color: #a99fff; }} }}</style>
<h1>LeFlux {version}</h1>{link}</html>
"""


class Interruptions(HTTPServerConnectionDelegate):
    """While the network is cut, visitors' calls and sockets from this machine are hung up on without an answer."""

    def __init__(self, hang_up: Callable[[Callable[[str], bool]], None]) -> None:
        """`hang_up(is_chosen)` closes the open sockets of the addresses that are chosen."""
        self._hang_up = hang_up
        self._until = 0.0
        self.app: HTTPServerConnectionDelegate

    def before(self, app: HTTPServerConnectionDelegate) -> HTTPServerConnectionDelegate:
        """Stand in front of `app`."""
        self.app = app
        return self

    def cut(self) -> None:
        self._until = time.monotonic() + CUT_SECONDS
        self._hang_up(is_loopback)

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        exchange: Exchange = request_conn
        is_cut = time.monotonic() < self._until and exchange.start_line.path.startswith(CUT_PATHS)
        if is_cut and is_loopback(exchange.context.remote_ip):
            return _HungUp(exchange)
        return self.app.start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self.app.on_close(server_conn)


class _HungUp(HTTPMessageDelegate):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._exchange.close()
        return None


class TourControls(Struct, frozen=True):
    """What the tour's buttons do. `restart`: None where nobody can start the server again."""

    interruptions: Interruptions
    restart: Callable[[], None] | None
    uptime: Callable[[], float]


def is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def is_local(request: HTTPServerRequest) -> bool:
    """Whether the browser runs on this machine. One that comes through a proxy may not."""
    host = urlsplit(f"//{request.host}").hostname or ""
    has_proxy = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"))
    return is_loopback(request.remote_ip) and not has_proxy and (host == "localhost" or is_loopback(host))


class TourHandler(PlainHandler):
    """The page."""

    def initialize(self, controls: TourControls, page: Template, has_dashboard: bool) -> None:
        self._page = page
        self._arguments = {"version": __version__, "has_dashboard": has_dashboard}
        self._controls = controls

    def get(self) -> None:
        local = is_local(self.request)
        self.set_header("Content-Security-Policy", f"{policy(self.request)}; frame-src 'self'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-cache")
        can_restart = local and self._controls.restart is not None
        self.finish(self._page.generate(can_cut=local, can_restart=can_restart, **self._arguments))


class TourStateHandler(PlainHandler):
    """How long the process has been up, for the live panel."""

    def initialize(self, controls: TourControls) -> None:
        self._controls = controls

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish({"uptimeMs": round(1000 * self._controls.uptime())})


class TourActionHandler(PlainHandler):
    """Cuts the network, or starts the server again."""

    def initialize(self, controls: TourControls) -> None:
        self._controls = controls

    def post(self, action: str) -> None:
        if not is_local(self.request) or self.request.headers.get("Sec-Fetch-Site") != "same-origin":
            raise HTTPError(403)
        if action == "cut":
            self._controls.interruptions.cut()
        elif self._controls.restart is None:
            raise HTTPError(404)
        else:
            self._controls.restart()
        self.set_status(202)
        self.finish({"seconds": CUT_SECONDS if action == "cut" else 0})


class PlainRootHandler(PlainHandler):
    """Name, version and the way to the dashboard: nothing about sites, stores or addresses."""

    def initialize(self, has_dashboard: bool, base_path: str) -> None:
        self._link = f'<p><a href="{base_path}/dashboard/">Dashboard</a></p>' if has_dashboard else ""

    def get(self) -> None:
        self.set_header("Content-Security-Policy", PLAIN_POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.finish(_PLAIN.format(version=escape(__version__), link=self._link))


def routes(controls: TourControls | None, has_dashboard: bool, base_path: str = "") -> list[Any]:
    """`controls` None: the demo is off."""
    if controls is None:
        return [(r"/", PlainRootHandler, {"has_dashboard": has_dashboard, "base_path": base_path})]
    arguments = {"controls": controls}
    page = Loader(str(DEMO / "tour")).load("index.html")
    return [
        (r"/", TourHandler, arguments | {"page": page, "has_dashboard": has_dashboard}),
        (r"/demo/tour/state", TourStateHandler, arguments),
        (r"/demo/tour/(cut|restart)", TourActionHandler, arguments),
    ]
