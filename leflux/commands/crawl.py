"""`run.py crawl SITE URL`: one crawl in the foreground, with a bar on a terminal and plain lines elsewhere."""

import sys
import time
from typing import TextIO

from backends import open_storage
from backends.errors import StorageError, StoreMisconfigured
from leflux.config import Settings
from leflux.crawling.crawl import Progress, crawl
from leflux.crawling.errors import CrawlError
from leflux.sites.crawled_pages import CrawledPages

EXIT_FAILED = 1
EXIT_USAGE = 2
BAR = 30
LINE_EVERY = 5.0
SHOWN_PROBLEMS = 10


async def crawl_site(settings: Settings, site_id: str, url: str) -> int:
    """Crawl and tell; returns the exit code: 0 well, 1 the crawl or the store failed, 2 a wrong call.

    Raises `StoreMisconfigured`.
    """
    site = next((site for site in settings.sites if site.id == site_id), None)
    if site is None:
        known = ", ".join(site.id for site in settings.sites)
        print(f"There is no site {site_id!r} in the configuration; it knows: {known}.", file=sys.stderr)
        return EXIT_USAGE
    if not settings.storage.store.durable:
        place = f"With {settings.storage.backend} as storage, pages live in the serving process only"
        print(f"{place}: crawl from its dashboard.", file=sys.stderr)
        return EXIT_USAGE
    screen = Screen(sys.stdout)
    try:
        storage = await open_storage(settings.storage, settings.message_log)
        try:
            ended = await crawl(site, url, CrawledPages(storage.settings), settings.crawler, screen.show)
        finally:
            await storage.close()
    except StoreMisconfigured:
        raise
    except (CrawlError, StorageError) as error:
        screen.clear()
        code = error.code if isinstance(error, CrawlError) else "store_unavailable"
        print(f"crawl failed: {code}: {error}", file=sys.stderr)
        return EXIT_FAILED
    screen.clear()
    print(summary(ended, site_id))
    return 0


def summary(ended: Progress, site_id: str) -> str:
    """What the crawl has changed, and what went wrong on the way."""
    lines = [
        f"{site_id}: {ended.done} pages ({ended.stored} new or changed, {ended.unchanged} unchanged, "
        f"{ended.removed} removed), {ended.failed} failed."
    ]
    if ended.truncated:
        lines.append(f"{ended.truncated} page(s) were too long and are kept without their end.")
    lines += [f"  {problem}" for problem in ended.problems[:SHOWN_PROBLEMS]]
    if ended.failed > SHOWN_PROBLEMS:
        lines.append(f"  … and {ended.failed - SHOWN_PROBLEMS} more")
    return "\n".join(lines)


class Screen:
    """Where the progress is drawn."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bar = out.isatty()
        self._told = time.monotonic()

    async def show(self, progress: Progress) -> None:
        seen = progress.done + progress.failed
        counts = f"{progress.done} pages, {progress.found} found, {progress.failed} failed"
        if self._bar:
            filled = BAR * seen // max(progress.found, seen, 1)
            where = (progress.current or "")[-40:]
            self._out.write(f"\r\x1b[K[{'#' * filled}{'.' * (BAR - filled)}] {counts}  {where}")
            self._out.flush()
        elif time.monotonic() - self._told >= LINE_EVERY:
            self._told = time.monotonic()
            print(counts, file=self._out, flush=True)

    def clear(self) -> None:
        if self._bar:
            self._out.write("\r\x1b[K")
            self._out.flush()
