"""One crawl of one site: visits its pages, stores changes, removes pages that are gone."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from leflux.config import CrawlerSettings
from leflux.crawling.errors import BlockedUrl, Unreachable
from leflux.crawling.extract import Extract, Unreadable
from leflux.crawling.fetch import Fetched, Fetcher, FetchFailed
from leflux.crawling.frontier import Frontier
from leflux.crawling.lock import CrawlLock, Told, nobody
from leflux.crawling.page_reader import PageReader
from leflux.crawling.robots import MAX_DELAY, Robots, listed_pages
from leflux.crawling.urls import Scope
from leflux.sites.crawled_pages import CrawledPage, CrawledPages, PageLink, Section, State
from leflux.sites.registry import Site

WORKERS = 4
GONE = {404, 410}
BUSY = {429, 503}


class Progress(Struct, frozen=True):
    """The progress of a crawl: URLs `found`, pages `done`, pages `failed`, and the `current` URL.

    At the end also the pages `stored`, `unchanged` and `removed`, and at most `MAX_PROBLEMS` reasons in `problems`.
    """

    state: State
    found: int = 0
    done: int = 0
    failed: int = 0
    current: str | None = None
    stored: int = 0
    unchanged: int = 0
    removed: int = 0
    truncated: int = 0
    problems: list[str] = []


Report = Callable[[Progress], Awaitable[None]]
MAX_PROBLEMS = 20


async def crawl(
    site: Site,
    url: str,
    pages: CrawledPages,
    settings: CrawlerSettings,
    report: Report | None = None,
    own: bool = False,
    told: Told = nobody,
) -> Progress:
    """Crawl `site` from `url` and store its pages. `report` gets every page, `told` every head.

    Raises `BlockedUrl`, `CrawlBusy` when another crawl of the site runs, and `Unreachable` when the start page cannot
    be read; the stored pages then stay. `own`: LeFlux serves these pages itself.
    """
    scope = Scope(site, url)
    # The configuration names a path on this server, which needs no other permission.
    private_hosts = [*settings.private_hosts, urlsplit(scope.start).hostname or ""] if own else settings.private_hosts
    async with (
        CrawlLock.taken(pages, site.id, scope.start, own, told) as hold,
        Fetcher.opened(scope, private_hosts, WORKERS) as fetcher,
        PageReader.opened() as reader,
    ):
        run = _Run(site.id, scope, pages, settings.page_cap, fetcher, reader)

        async def visited() -> None:
            await hold.note(run.progress("running"))
            if report is not None:
                await report(run.progress("running"))

        await run.go(visited)
        ended = run.progress("done")
        await hold.finish(ended, len(run.kept))
        if report is not None:
            await report(ended)
        return ended


class _Run:
    def __init__(
        self, site_id: str, scope: Scope, pages: CrawledPages, cap: int, fetcher: Fetcher, reader: PageReader
    ) -> None:
        self._site_id = site_id
        self._scope = scope
        self._pages = pages
        self._cap = cap
        self._fetcher = fetcher
        self._reader = reader
        self._robots = Robots(fetcher)
        self._frontier = Frontier(scope, cap)
        self._before: dict[str, CrawledPage] = {}
        self._digests: dict[str, str] = {}
        self._doubtful: set[str] = set()
        self._pause = 0.0
        self._start_failure = ""
        self._current: str | None = None
        self._problems: list[str] = []
        self.kept: set[str] = set()
        self._failed = self._stored = self._unchanged = self._removed = self._truncated = 0

    def progress(self, state: State) -> Progress:
        return Progress(
            state=state,
            found=self._frontier.found,
            done=len(self.kept),
            failed=self._failed,
            current=self._current if state == "running" else None,
            stored=self._stored,
            unchanged=self._unchanged,
            removed=self._removed,
            truncated=self._truncated,
            problems=self._problems,
        )

    async def go(self, told: Callable[[], Awaitable[None]]) -> None:
        start = self._scope.start
        self._before = {page.url: page async for page in self._pages.load(self._site_id)}
        self._pause = await self._robots.delay(start)
        self._frontier.add([start], start, 0)
        if (first := self._frontier.take()) is not None:
            await self._step(*first, told)
        if not self.kept and self._frontier.found < 2:
            raise Unreachable(f"{start} {self._start_failure or 'holds no text and no link'}.")
        self._frontier.add(await listed_pages(self._robots, self._fetcher, self._scope, self._cap), start, 1)
        await self._drain(told)
        await self._remove_gone()

    async def _drain(self, told: Callable[[], Awaitable[None]]) -> None:
        """Visit a few pages at a time, until none is left or the page limit is reached."""
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                while len(running) < (1 if self._pause else WORKERS) and (following := self._following()) is not None:
                    running.add(asyncio.create_task(self._step(*following, told)))
                if not running:
                    return
                ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _following(self) -> tuple[str, int] | None:
        return self._frontier.take() if len(self.kept) < self._cap else None

    async def _step(self, url: str, depth: int, told: Callable[[], Awaitable[None]]) -> None:
        self._current = url
        await told()
        try:
            await self._visit(url, depth)
        except (FetchFailed, Unreadable, BlockedUrl) as error:
            if isinstance(error, BlockedUrl) and depth == 0:
                raise
            self._note_failure(url, error)
        await told()
        await asyncio.sleep(self._pause)

    def _note_failure(self, url: str, error: Exception) -> None:
        self._failed += 1
        self._start_failure = self._start_failure or str(error)
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(f"{url}: {error}")
        if not isinstance(error, FetchFailed):
            return
        if error.status in BUSY:
            self._pause = min(max(self._pause * 2, 1.0), MAX_DELAY)
        if error.status not in GONE | {200}:
            # The failure may be temporary: keep the page of the last crawl.
            self._doubtful.add(url)

    async def _visit(self, url: str, depth: int) -> None:
        if not await self._robots.allows(url):
            raise Unreadable("is closed to crawlers by robots.txt")
        known = self._before.get(url)
        fetched = await self._fetcher.get(url, headers=_conditions(known))
        if fetched.url != url and (
            self._scope.page(fetched.url, url) is None or not self._frontier.first_visit(fetched.url)
        ):
            return
        if fetched.body is None and known is not None:
            self._keep_unchanged(known, depth)
            return
        charset = _charset(fetched)
        read = await self._reader.read(fetched.body or b"", fetched.url, charset)
        self._frontier.add([link.url for link in read.links], fetched.url, depth + 1)
        await self._keep(fetched, read, depth)

    def _keep_unchanged(self, page: CrawledPage, depth: int) -> None:
        self._frontier.add([link.url for link in page.links], page.url, depth + 1)
        if self._is_new(page.digest, page.url):
            self.kept.add(page.url)
            self._unchanged += 1

    async def _keep(self, fetched: Fetched, read: Extract, depth: int) -> None:
        if read.canonical and (canonical := self._scope.page(read.canonical, fetched.url)) not in (None, fetched.url):
            self._frontier.add([str(canonical)], fetched.url, depth)
            return
        digest = _digest(read)
        if not read.indexable or not read.sections or not self._is_new(digest, fetched.url):
            return
        if len(self.kept) >= self._cap:
            return
        self.kept.add(fetched.url)
        page = CrawledPage(
            url=fetched.url,
            title=read.title,
            sections=read.sections,
            digest=digest,
            lang=read.lang,
            description=read.description,
            links=self._inner_links(read, fetched.url),
            records=read.records,
            etag=fetched.headers.get("etag", ""),
            modified=fetched.headers.get("last-modified", ""),
        )
        await self._store(page)

    def _inner_links(self, read: Extract, base: str) -> list[PageLink]:
        named = [(self._scope.page(link.url, base), link.text) for link in read.links]
        return [PageLink(url, text) for url, text in named if url is not None]

    async def _store(self, page: CrawledPage) -> None:
        known = self._before.get(page.url)
        if known is not None and (known.digest, known.etag, known.modified) == (page.digest, page.etag, page.modified):
            self._unchanged += 1
            return
        stored = await self._pages.put(self._site_id, page)
        self._stored += 1
        self._truncated += stored.truncated

    def _is_new(self, digest: str, url: str) -> bool:
        """Whether no other page of this crawl has the same text. A crawler trap repeats itself."""
        return self._digests.setdefault(digest, url) == url

    async def _remove_gone(self) -> None:
        for url in self._before.keys() - self.kept - self._doubtful:
            await self._pages.remove(self._site_id, url)
            self._removed += 1
        self.kept |= self._before.keys() & self._doubtful


def _conditions(known: CrawledPage | None) -> dict[str, str]:
    if known is None:
        return {}
    wanted = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in wanted.items() if value}


def _charset(fetched: Fetched) -> str | None:
    _, _, value = fetched.headers.get("content-type", "").lower().partition("charset=")
    return value.partition(";")[0].strip(" \"'") or None


def _digest(read: Extract) -> str:
    sections: list[Section] = read.sections
    return hashlib.sha256(msgspec.json.encode([read.title, read.description, sections, read.records])).hexdigest()[:32]
