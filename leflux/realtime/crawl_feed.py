"""Sends the progress of crawls to the dashboards, from whichever process crawls.

A note over the bus may be lost: `refresh` compares with the store, and tells what was missed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from leflux import protocol
from leflux.realtime.notes import Bus
from leflux.sites.crawled_pages import Head

CRAWL = "crawl"
NAMESPACE = "/dashboard"
PACE = 0.25
"""Seconds between two notes of one crawl, at least."""


class OwnerEmitter(Protocol):
    """The part of the Socket.IO server that the feed speaks to."""

    async def emit(
        self, event: str, data: Any, *, to: str, ignore_queue: bool = False, namespace: str = "/"
    ) -> None: ...


class CrawlFeed:
    """The newest that this process knows of each site's crawl. `stored(site_id)` reads what the store says."""

    def __init__(
        self, emitter: OwnerEmitter, stored: Callable[[str], Awaitable[Head]], bus: Bus, pace: float = PACE
    ) -> None:
        self._emitter = emitter
        self._stored = stored
        self._bus = bus
        bus.subscribe(CRAWL, self.heard)
        self._pace = pace
        self._shown: dict[str, Head] = {}
        self._waiting: dict[str, Head] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}

    async def told(self, site_id: str, head: Head) -> None:
        """A crawl of this process got on. Of heads that come too fast, only the newest is told."""
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

    async def heard(self, note: dict[str, Any]) -> None:
        """A crawl of another process got on."""
        await self._show(note["siteId"], msgspec.convert(note["head"], Head))

    async def refresh(self, site_id: str) -> Head:
        """The newer of the last note and the stored state. Watchers are told when it is new.

        Nothing is awaited between its last look and its return. Raises `StoreUnavailable`.
        """
        known = self._shown.get(site_id)
        head = await self._stored(site_id)
        if self._shown.get(site_id) is known and _is_news(known, head):
            await self._show(site_id, head)
        return self._shown[site_id]

    async def _show(self, site_id: str, head: Head) -> None:
        self._shown[site_id] = head
        payload = {"siteId": site_id, **msgspec.structs.asdict(head.described())}
        await self._emitter.emit(
            protocol.CRAWL_PROGRESS, payload, to=room(site_id), ignore_queue=True, namespace=NAMESPACE
        )

    async def stop(self) -> None:
        """Tell what still waits."""
        for task in list(self._sending.values()):
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        for site_id in list(self._waiting):
            await self._tell(site_id)


def room(site_id: str) -> str:
    """The room of the sockets that watch a site's crawl."""
    return f"crawl:{site_id}"


def _is_news(known: Head | None, head: Head) -> bool:
    if known is None:
        return True
    if known.state == head.state == "running":
        # A crawl stores its progress less often than it sends it.
        return head.until > known.until
    return head != known
