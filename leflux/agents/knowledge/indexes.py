"""The search indexes of this process by site. They are rebuilt within seconds after a crawl in any process."""

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import structlog

from backends.errors import StorageError
from leflux.agents.knowledge.site_knowledge import SiteKnowledge
from leflux.sites.crawled_pages import CrawledPages, Head

if TYPE_CHECKING:
    from leflux.agents.knowledge.embeddings import Embedder

CHECK_EVERY = 2.0
# How long a question waits for a newer index, and for the first one.
WAIT = 2.0
FIRST_WAIT = 20.0

log = structlog.get_logger(__name__)


class IndexNotReady(Exception):
    """The first index of the site is not ready."""


class SiteIndexes:
    """`of` is cheap: it may be called for every question."""

    def __init__(self, pages: CrawledPages, names: Mapping[str, str], embedder: "Embedder | None" = None) -> None:
        """`names`: of the sites, by their ids."""
        self._embedder = embedder
        self._pages = pages
        self._names = names
        self._built: dict[str, SiteKnowledge] = {}
        self._checked: dict[str, float] = {}
        self._building: dict[str, asyncio.Task[None]] = {}

    async def of(self, site_id: str) -> SiteKnowledge | None:
        """The site's index; None when nothing was crawled. Raises `IndexNotReady`."""
        await self._check(site_id)
        building = self._building.get(site_id)
        if building is not None:
            known = site_id in self._built
            await asyncio.wait([building], timeout=WAIT if known else FIRST_WAIT)
            if not known and not building.done():
                raise IndexNotReady
        return self._built.get(site_id)

    async def close(self) -> None:
        for task in self._building.values():
            task.cancel()
        await asyncio.gather(*self._building.values(), return_exceptions=True)

    async def _check(self, site_id: str) -> None:
        now = time.monotonic()
        if now - self._checked.get(site_id, -CHECK_EVERY) < CHECK_EVERY:
            return
        self._checked[site_id] = now
        known = self._built.get(site_id)
        try:
            head, _ = await self._pages.head(site_id)
        except StorageError:
            self._checked.pop(site_id, None)
            if known is None:
                raise
            # The existing index answers while the store does not.
            return
        if head.generation != (known.head.generation if known else 0) and site_id not in self._building:
            task = asyncio.create_task(self._build(site_id, head), name=f"index {site_id}")
            self._building[site_id] = task
            task.add_done_callback(lambda _: self._building.pop(site_id, None))

    async def _build(self, site_id: str, head: Head) -> None:
        started = time.monotonic()
        try:
            pages = [page async for page in self._pages.load(site_id)]
            self._built[site_id] = await asyncio.to_thread(
                SiteKnowledge.build, head, pages, self._names.get(site_id, "")
            )
        except StorageError as error:
            log.warning("the pages of a site could not be read", site=site_id, error=str(error))
            self._checked.pop(site_id, None)
        except Exception:
            log.exception("the index of a site could not be built", site=site_id)
        else:
            await self._understand(site_id)
            log.info("site indexed", site=site_id, pages=len(pages), seconds=round(time.monotonic() - started, 2))

    async def _understand(self, site_id: str) -> None:
        """Add the meaning of the passages. Until then, and when the endpoint fails, the words alone decide."""
        if self._embedder is None:
            return
        from leflux.agents.knowledge.embeddings import VectorsRefused

        known = self._built[site_id]
        try:
            meaning = await self._embedder.meaning(site_id, known.index)
        except (VectorsRefused, StorageError) as error:
            log.warning("the passages of a site have no vectors", site=site_id, reason=str(error))
        else:
            self._built[site_id] = msgspec.structs.replace(known, meaning=meaning)
