"""Assembles one serving process: storage, sockets, HTTP, the slow timer; and takes it down again."""

import asyncio
from collections.abc import Callable

import structlog
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerConnectionDelegate
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from backends import open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from leflux.config import Settings
from leflux.crawling.background import own_address
from leflux.http1 import HttpServer, Limits
from leflux.owning import Owning, open_owning
from leflux.problems import Problem
from leflux.process import Process, build
from leflux.web.base import log_access

log = structlog.get_logger(__name__)

STORE_RETRY = 1.0
# Up to this a body is read, and the handler answers with 413; beyond it, the server does, and hangs up.
BODY_SLACK = 8
# Seconds in which the body of a request has to come, and in which a connection may wait for its next one.
BODY_SECONDS, IDLE_SECONDS = 10.0, 120.0


class NotReadyHandler(RequestHandler):
    """Every call, as long as the store has not been opened."""

    def prepare(self) -> None:
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

    def __init__(self, settings: Settings, told: Callable[[str, str], None] = lambda _email, _password: None) -> None:
        """`told(email, password)` hears of the account that is made when there is none."""
        self.settings = settings
        self._told = told
        self._switch = _Switch(Application([(r".*", NotReadyHandler)], log_function=log_access))
        self._http: HttpServer | None = None
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
        limits = Limits(body_bytes=cap, body_seconds=BODY_SECONDS, idle_seconds=IDLE_SECONDS)
        self._http = HttpServer(self._switch, limits)
        await self._http.start(sockets)
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
