"""How far the crawls are, told to the owners' pages as it happens, whichever process crawls.

Notes over the bus are hints, as all are: `refresh` compares with the store, and tells what was missed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from leflux import wire
from leflux.realtime.hub import Bus, NoBus
from leflux.site_pages import Head

CRAWL = "crawl"
NAMESPACE = "/dashboard"
PACE = 0.25
"""Seconds between two notes of one crawl, at least."""


class Emitter(Protocol):
    """The part of the Socket.IO server that the feed speaks to."""

    async def emit(
        self, event: str, data: Any, *, to: str, ignore_queue: bool = False, namespace: str = "/"
    ) -> None: ...


class CrawlFeed:
    """The newest that this process knows of each site's crawl. `stored(site_id)` reads what the store says."""

    def __init__(
        self, emitter: Emitter, stored: Callable[[str], Awaitable[Head]], bus: Bus | None, pace: float = PACE
    ) -> None:
        self._emitter = emitter
        self._stored = stored
        self._bus = bus or NoBus()
        self._pace = pace
        self._shown: dict[str, Head] = {}
        self._waiting: dict[str, Head] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def told(self, site_id: str, head: Head) -> None:
        """A crawl of this process got on. Of heads that come too fast, the newest is told, and always the last."""
        self._waiting[site_id] = head
        if site_id not in self._sending:
            self._sending[site_id] = asyncio.create_task(self._send(site_id), name="crawl feed")

    async def _send(self, site_id: str) -> None:
        try:
            while site_id in self._waiting:
                await self._tell(site_id)
                await asyncio.sleep(self._pace)
        finally:
            del self._sending[site_id]

    async def _tell(self, site_id: str) -> None:
        head = self._waiting.pop(site_id)
        await self._show(site_id, head)
        await self._bus.tell(CRAWL, {"siteId": site_id, "head": head})

    async def heard(self, kind: str, payload: dict[str, Any]) -> None:
        """A note from another process."""
        if kind == CRAWL:
            await self._show(payload["siteId"], msgspec.convert(payload["head"], Head))

    async def refresh(self, site_id: str) -> Head:
        """The newest of what was told and what the store says; who watches is told too when that is news.

        Nothing is awaited between its last look and its return. Raises `StoreUnavailable`.
        """
        known = self._shown.get(site_id)
        head = await self._stored(site_id)
        if self._shown.get(site_id) is known and _is_news(known, head):
            await self._show(site_id, head)
        return self._shown[site_id]

    async def _show(self, site_id: str, head: Head) -> None:
        self._shown[site_id] = head
        payload = {"siteId": site_id, **head.described()}
        await self._emitter.emit(wire.CRAWL_PROGRESS, payload, to=room(site_id), ignore_queue=True, namespace=NAMESPACE)

    async def stop(self) -> None:
        """Tell what still waits."""
        for task in list(self._sending.values()):
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        for site_id in list(self._waiting):
            await self._tell(site_id)


def room(site_id: str) -> str:
    """Who watches a site's crawl."""
    return f"crawl:{site_id}"


def _is_news(known: Head | None, head: Head) -> bool:
    if known is None:
        return True
    if known.state == head.state == "running":
        # A crawl writes down less often than it tells.
        return head.until > known.until
    return head != known
