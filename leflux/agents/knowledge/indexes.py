"""The indexes of this process, one a site; read anew within seconds after any process has finished a crawl."""

import asyncio
import time

import structlog
from msgspec import Struct

from backends.errors import StorageError
from leflux.agents.search import Index
from leflux.agents.signposts import Signposts
from leflux.site_pages import Head, Page, SitePages

CHECK_EVERY = 2.0
# How long a question waits for a newer index than the one at hand, and for the first one.
PATIENCE = 2.0
FIRST_PATIENCE = 20.0

log = structlog.get_logger(__name__)


class Book(Struct, frozen=True):
    """What one site says, ready to be searched."""

    head: Head
    index: Index
    signposts: Signposts


class NotReady(Exception):
    """The first index of the site is still being built."""


class Shelf:
    """`book` is cheap to call for every question."""

    def __init__(self, pages: SitePages) -> None:
        self._pages = pages
        self._books: dict[str, Book] = {}
        self._checked: dict[str, float] = {}
        self._building: dict[str, asyncio.Task[None]] = {}

    async def book(self, site_id: str) -> Book | None:
        """The site's book; None when nothing was crawled yet. Raises `NotReady`."""
        await self._check(site_id)
        building = self._building.get(site_id)
        if building is not None:
            known = site_id in self._books
            await asyncio.wait([building], timeout=PATIENCE if known else FIRST_PATIENCE)
            if not known and not building.done():
                raise NotReady
        return self._books.get(site_id)

    async def close(self) -> None:
        for task in self._building.values():
            task.cancel()
        await asyncio.gather(*self._building.values(), return_exceptions=True)

    async def _check(self, site_id: str) -> None:
        now = time.monotonic()
        if now - self._checked.get(site_id, -CHECK_EVERY) < CHECK_EVERY:
            return
        self._checked[site_id] = now
        known = self._books.get(site_id)
        try:
            head, _ = await self._pages.head(site_id)
        except StorageError:
            self._checked.pop(site_id, None)
            if known is None:
                raise
            # An index at hand answers as well while the store does not.
            return
        if head.generation != (known.head.generation if known else 0) and site_id not in self._building:
            task = asyncio.create_task(self._build(site_id, head), name=f"index {site_id}")
            self._building[site_id] = task
            task.add_done_callback(lambda _: self._building.pop(site_id, None))

    async def _build(self, site_id: str, head: Head) -> None:
        started = time.monotonic()
        try:
            pages = [page async for page in self._pages.load(site_id)]
            self._books[site_id] = await asyncio.to_thread(_bind, head, pages)
        except StorageError as error:
            log.warning("the pages of a site could not be read", site=site_id, error=str(error))
            self._checked.pop(site_id, None)
        except Exception:
            log.exception("the index of a site could not be built", site=site_id)
        else:
            log.info("site indexed", site=site_id, pages=len(pages), seconds=round(time.monotonic() - started, 2))


def _bind(head: Head, pages: list[Page]) -> Book:
    index = Index.build(pages)
    return Book(head, index, Signposts(index.pages, index.words, head.start))
