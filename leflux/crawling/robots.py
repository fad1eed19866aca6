"""robots.txt and sitemaps."""

import asyncio
import zlib
from urllib.parse import urlsplit

from lxml import etree
from protego import Protego

from leflux.crawling.errors import BlockedUrl
from leflux.crawling.fetch import Fetched, Fetcher, FetchFailed
from leflux.crawling.urls import Scope

ROBOT = "LeFlux"
ROBOTS_BYTES = 512_000
MAX_DELAY = 10.0
MAX_SITEMAPS = 20
ENTRIES_PER_TURN = 200
"""Entries of a sitemap that are looked at in one turn of the event loop."""
_SITEMAP_BYTES = 2_000_000
_GZIP = 16 + zlib.MAX_WBITS


class Robots:
    """The rules of every origin of a crawl. Each robots.txt is read once."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._rules: dict[str, Protego] = {}

    async def allows(self, url: str) -> bool:
        rules = await self._of(url)
        return bool(rules.can_fetch(url, ROBOT))

    async def delay(self, url: str) -> float:
        """The requested delay between two pages in seconds, at most `MAX_DELAY`."""
        asked = (await self._of(url)).crawl_delay(ROBOT)
        return min(float(asked), MAX_DELAY) if asked else 0.0

    async def sitemaps(self, url: str) -> list[str]:
        return list((await self._of(url)).sitemaps)

    async def _of(self, url: str) -> Protego:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = Protego.parse(await self._read(f"{origin}/robots.txt"))
        return self._rules[origin]

    async def _read(self, url: str) -> str:
        """The rules of an origin (RFC 9309): none without a file; everything is disallowed when the server fails."""
        try:
            fetched = await self._fetcher.get(url, accept=(), limit=ROBOTS_BYTES)
        except BlockedUrl:
            return ""
        except FetchFailed as error:
            return "User-agent: *\nDisallow: /" if error.status >= 500 else ""
        return (fetched.body or b"").decode("utf-8", "replace")


async def listed_pages(robots: Robots, fetcher: Fetcher, scope: Scope, limit: int) -> list[str]:
    """Up to `limit` pages of the site's sitemaps. Unreadable sitemaps are skipped."""
    waiting = (await robots.sitemaps(scope.start))[:MAX_SITEMAPS] or [f"{scope.origin}/sitemap.xml"]
    pages: dict[str, None] = {}
    read: set[str] = set()
    while waiting and len(read) < MAX_SITEMAPS and len(pages) < limit:
        url = waiting.pop(0)
        if url in read:
            continue
        read.add(url)
        try:
            fetched = await fetcher.get(scope.normal(url, scope.start), accept=(), limit=_SITEMAP_BYTES)
        except (BlockedUrl, FetchFailed):
            continue
        maps, found = await asyncio.to_thread(parse_sitemap, _plain(fetched))
        waiting += maps
        for number, entry in enumerate(found, 1):
            if (page := scope.page(entry, url)) is not None:
                pages[page] = None
            if len(pages) >= limit:
                break
            if number % ENTRIES_PER_TURN == 0:
                await asyncio.sleep(0)
    return list(pages)[:limit]


def parse_sitemap(xml: bytes) -> tuple[list[str], list[str]]:
    """The sitemaps and pages in a sitemap or an index; empty for invalid XML."""
    # Entities are not resolved: a sitemap is untrusted.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError):
        return [], []
    if root is None:
        return [], []
    locations = [str(node.text).strip() for node in root.iterfind("./{*}*/{*}loc") if node.text]
    # A recovered root may have a name that is none, or be a comment.
    name = root.tag.rpartition("}")[2] if isinstance(root.tag, str) else ""
    return (locations, []) if name == "sitemapindex" else ([], locations)


def _plain(fetched: Fetched) -> bytes:
    body = fetched.body or b""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(_GZIP).decompress(body, _SITEMAP_BYTES)
    except zlib.error:
        return b""
