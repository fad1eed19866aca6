"""A lock across processes: one crawl of a site at a time. The head document is locked by compare-and-set until a
deadline.

The document also carries the progress, for every process and the dashboard.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from backends.errors import StorageError, VersionConflict
from leflux.crawling.errors import CrawlBusy, CrawlError
from leflux.sites.crawled_pages import CrawledPages, Head, now_ms

# Longer than the longest pause of a live crawl: fetching a page may take ten seconds, and reading it some more.
HOLD_MS = 60_000
NOTE_EVERY = 1.0


class _Counts(Protocol):
    @property
    def found(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def current(self) -> str | None: ...


Told = Callable[[Head], Awaitable[None]]


async def nobody(_: Head) -> None:
    return None


class CrawlLock:
    """The lock on one site's crawl, until `finish`. `told` gets each head, also those that are not stored."""

    def __init__(self, pages: CrawledPages, site_id: str, head: Head, version: int, told: Told) -> None:
        self._pages = pages
        self._site_id = site_id
        self._head = head
        self._version = version
        self._noted = time.monotonic()
        self._lock = asyncio.Lock()
        self._told = told

    @classmethod
    @asynccontextmanager
    async def taken(
        cls, pages: CrawledPages, site_id: str, start: str, own: bool, told: Told = nobody
    ) -> "AsyncIterator[CrawlLock]":
        """Lock the site. Raises `CrawlBusy`. A crawl that ends with an exception is stored as failed."""
        before, version = await pages.head(site_id)
        if before.state == "running":
            raise CrawlBusy(f"The site {site_id!r} is being crawled already.")
        head = Head(before.generation, before.pages, start, own, "running", until=now_ms() + HOLD_MS)
        try:
            version = await pages.put_head(site_id, head, version)
        except VersionConflict:
            raise CrawlBusy(f"The site {site_id!r} is being crawled already.") from None
        hold = cls(pages, site_id, head, version, told)
        try:
            await told(head)
            yield hold
        except BaseException as error:
            await hold._fail(error)
            raise

    async def note(self, counts: _Counts) -> None:
        """Store the progress about once a second. Raises `CrawlBusy` when another crawl has taken over."""
        async with self._lock:
            head = _with(self._head, counts, until=now_ms() + HOLD_MS)
            if time.monotonic() - self._noted >= NOTE_EVERY:
                await self._write(head)
                self._noted = time.monotonic()
            await self._told(head)

    async def finish(self, counts: _Counts, pages: int) -> None:
        """Mark the crawl as complete, so that every process reads the pages again."""
        async with self._lock:
            done = _with(self._head, counts, until=0)
            await self._write(
                msgspec.structs.replace(done, state="done", pages=pages, generation=self._head.generation + 1)
            )
            await self._told(self._head)

    async def _fail(self, error: BaseException) -> None:
        if self._head.state != "running" or isinstance(error, CrawlBusy):
            return
        said = str(error) if isinstance(error, CrawlError) else "the crawl was interrupted"
        failed = msgspec.structs.replace(self._head, state="failed", current=None, error=said[:500], until=0)
        try:
            await self._write(failed)
        except (StorageError, CrawlBusy):
            # The lock lapses by itself.
            return
        await self._told(failed)

    async def _write(self, head: Head) -> None:
        try:
            self._version = await self._pages.put_head(self._site_id, head, self._version)
        except VersionConflict:
            raise CrawlBusy("Another crawl of the site took over.") from None
        self._head = head


def _with(head: Head, counts: _Counts, until: int) -> Head:
    return msgspec.structs.replace(
        head, found=counts.found, done=counts.done, failed=counts.failed, current=counts.current, until=until
    )
