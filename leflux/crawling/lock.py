"""One crawl of a site at a time, across processes: the head document is held by compare-and-set and a lapsing time.

The same document tells every process, and the dashboard, how far the crawl is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from backends.errors import StorageError, VersionConflict
from leflux.crawling.errors import CrawlBusy, CrawlError
from leflux.site_pages import Head, SitePages, now_ms

# Longer than the longest silence of a crawl that is alive: one page may take ten seconds, and a long one to read.
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


class Hold:
    """The right to crawl one site, until `finish`. `told` hears of each head, also of those that are not stored."""

    def __init__(self, pages: SitePages, site_id: str, head: Head, version: int, told: Told) -> None:
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
        cls, pages: SitePages, site_id: str, start: str, own: bool, told: Told = nobody
    ) -> "AsyncIterator[Hold]":
        """Raises `CrawlBusy`. A crawl that ends by an exception is noted as failed."""
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
        """Write down how far the crawl is, about once a second. Raises `CrawlBusy` when another one took over."""
        async with self._lock:
            head = _with(self._head, counts, until=now_ms() + HOLD_MS)
            if time.monotonic() - self._noted >= NOTE_EVERY:
                await self._write(head)
                self._noted = time.monotonic()
            await self._told(head)

    async def finish(self, counts: _Counts, pages: int) -> None:
        """The crawl is complete: every process will read the pages anew."""
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
            # The hold lapses by itself.
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
