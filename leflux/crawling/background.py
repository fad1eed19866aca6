"""Background crawls: on the first start, and at the owner's request."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import structlog

from backends.errors import StorageError
from leflux.config import CrawlerSettings
from leflux.crawling.errors import CrawlError
from leflux.crawling.urls import Scope
from leflux.sites.crawled_pages import CrawledPages, Head
from leflux.sites.registry import Site

FIRST_RETRY = 10.0
Heard = Callable[[str, Head], Awaitable[None]]

log = structlog.get_logger(__name__)


class Crawls:
    """Runs at most one crawl of a site. `heard` gets the progress of every crawl of this process."""

    def __init__(
        self,
        sites: Sequence[Site],
        pages: CrawledPages,
        settings: CrawlerSettings,
        heard: Heard | None = None,
    ) -> None:
        self._sites = {site.id: site for site in sites}
        self._pages = pages
        self._settings = settings
        self._heard = heard
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, site_id: str, url: str) -> None:
        """Start a crawl. Raises `BlockedUrl` at once for a URL outside the site."""
        Scope(self._sites[site_id], url)
        self._launch(self._asked(self._sites[site_id], url))

    async def progress(self, site_id: str) -> Head:
        """The progress of the site's newest crawl, in whichever process it runs."""
        return await self._pages.newest(site_id)

    def begin(self, base: str) -> None:
        """Start the configured first crawl of every site that was never crawled.

        `base` is this server's address, for a start that is only a path.
        """
        for site in self._sites.values():
            if site.crawl is not None:
                self._launch(self._first(site, site.crawl, base))

    async def settle(self, seconds: float) -> None:
        """Wait until no crawl of this process runs, but not longer than `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _launch(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _asked(self, site: Site, url: str) -> None:
        try:
            await self._run(site, url, own=False)
        except StorageError as error:
            log.warning("crawl failed", site=site.id, url=url, code="store_unavailable", reason=str(error))

    async def _first(self, site: Site, start: str, base: str) -> None:
        own = start.startswith("/")
        while True:
            try:
                head, _ = await self._pages.head(site.id)
                if head.generation == 0 and head.state != "running":
                    await self._run(site, base + start if own else start, own)
                return
            except StorageError as error:
                log.warning("the first crawl waits for the store", site=site.id, error=str(error))
                await asyncio.sleep(FIRST_RETRY)

    async def _run(self, site: Site, url: str, own: bool) -> None:
        from leflux.crawling.crawl import crawl  # Imports lxml and trafilatura.

        async def told(head: Head) -> None:
            if self._heard is not None:
                await self._heard(site.id, head)

        log.info("crawl started", site=site.id, url=url)
        try:
            ended = await crawl(site, url, self._pages, self._settings, own=own, told=told)
        except CrawlError as error:
            log.warning("crawl failed", site=site.id, url=url, code=error.code, reason=str(error))
        except StorageError:
            raise
        except Exception:
            log.exception("crawl failed", site=site.id)
        else:
            log.info("crawl done", site=site.id, pages=ended.done, stored=ended.stored, failed=ended.failed)


def own_address(host: str, port: int) -> str:
    """The address of a server that listens on `host`, as seen from this machine."""
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{urlsplit(f'//{name}').netloc}:{port}"
