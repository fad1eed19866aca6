"""Starts and stops one serving process: opens the storage, listens, and drains."""

import asyncio
import logging
from collections.abc import Callable

import structlog
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from backends import open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from leflux.config import Settings
from leflux.crawling.background import own_address
from leflux.http1 import HttpLimits, HttpServer
from leflux.http1.access_log import log_access
from leflux.http1.latency import Latencies
from leflux.owner.service import OwnerService, open_owner_service
from leflux.protocol import Problem
from leflux.runtime.wiring import Process
from leflux.sites.origin_gate import TrustedProxies

log = structlog.get_logger(__name__)

STORE_RETRY = 1.0
# Up to this a body is read, and the handler answers with 413; beyond it, the server does, and hangs up.
BODY_SLACK = 8
# Seconds in which the body of a request has to come, and in which a connection may wait for its next one.
BODY_SECONDS, IDLE_SECONDS = 10.0, 120.0


class NotReadyHandler(RequestHandler):
    """Answers every call until the store is open."""

    def prepare(self) -> None:
        if self.request.path == "/health":
            self.finish({"status": "ok"})
            return
        problem = Problem("store_unavailable", "The store does not answer yet.")
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(problem.json())


class LeFlux:
    """One process. `start` listens and returns the port; `stop` drains."""

    def __init__(
        self,
        settings: Settings,
        told: Callable[[str, str], None] = lambda _email, _password: None,
        restart: Callable[[], None] | None = None,
    ) -> None:
        """`told(email, password)` is called with the account that is made when there is none; `restart` by the demo's
        tour, to have this process started again."""
        self.settings = settings
        self._restart = restart
        self._latencies = Latencies()
        self._told = told
        self._http: HttpServer | None = None
        self.process: Process | None = None
        self._opening: asyncio.Task[None] | None = None
        self._port = 0

    async def start(self, port: int | None = None) -> int:
        """Listen on `port` (left out: the configured one), and open the storage now or as soon as it answers.

        Raises `StoreMisconfigured` and `OSError` when that can never work.
        """
        server = self.settings.server
        is_open = await self._open()
        wanted = server.port if port is None else port
        sockets = bind_sockets(wanted, server.host, reuse_port=server.processes > 1)
        cap = self.settings.limits.frame_bytes * BODY_SLACK
        limits = HttpLimits(
            body_bytes=cap,
            body_seconds=BODY_SECONDS,
            idle_seconds=IDLE_SECONDS,
            connections_per_address=self.settings.limits.connections_of_address,
            is_proxy=TrustedProxies(server.trusted_proxies).__contains__,
        )
        self._port = sockets[0].getsockname()[1]
        waiting = Application([(r".*", NotReadyHandler)], log_function=id)
        self._http = HttpServer(waiting, limits, self._answered, server.base_path)
        self._serve()
        if not is_open:
            self._opening = asyncio.create_task(self._open_later())
        await self._http.start(sockets)
        return self._port

    def _answered(self, method: str, target: str, status: int, seconds: float) -> None:
        self._latencies.observe(method, target, status, seconds)
        level = logging.INFO if self.settings.server.access_log else logging.DEBUG
        log_access(method, target, status, seconds, level)

    async def _open(self) -> bool:
        try:
            storage = await open_storage(self.settings.storage, self.settings.message_log)
            owner_service = await self._open_owner_service(storage)
        except StoreUnavailable as error:
            log.warning("the store does not answer; serving 503 until it does", reason=str(error))
            return False
        self.process = Process(self.settings, storage, owner_service, self._latencies, self._restart)
        self.process.start(self._told)
        self._serve()
        return True

    async def _open_owner_service(self, storage: Storage) -> OwnerService:
        """Nobody is served before the owners' current rules are loaded."""
        owner_service = open_owner_service(self.settings, storage)
        try:
            await owner_service.refresher.load()
        except BaseException:
            await storage.close()
            raise
        return owner_service

    def _serve(self) -> None:
        """Once both the storage and the port are open, whichever came last."""
        if self.process is None or self._http is None:
            return
        self._http.serve(self.process.front)
        if self.settings.agent.kind in ("knowledge", "openai"):
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
