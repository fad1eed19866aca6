"""The crawled pages of a site, stored as documents of the settings store.

`pages/<site>` is the head: every process reads it to notice a change, and a crawl locks it by compare-and-set.
`pages/<site>/<key>` is one page.
"""

import asyncio
import hashlib
import time
import zlib
from collections.abc import AsyncIterator
from typing import Literal

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict
from leflux.protocol.owner_api import CrawlAnswer

DOCUMENT_BYTES = 200_000
# Limits what a tampered document can unpack to.
MAX_UNPACKED = 8_000_000
READS_AT_ONCE = 16
WRITE_TRIES = 5

State = Literal["idle", "running", "done", "failed"]


class Block(Struct, frozen=True, array_like=True):
    """A block of text. `kind`: p (paragraph), item (of a list), term (with its definition), code (a listing), row (of a
    table, each cell after its column's name), fact (a short name with its value).

    In all but `code`, code stands between backquotes. Other backquotes are removed.
    """

    kind: Literal["p", "item", "term", "code", "row", "fact"]
    text: str


class Section(Struct, frozen=True, array_like=True):
    """A heading (empty before the first one), its level, its anchor, and its blocks."""

    heading: str
    level: int
    anchor: str | None
    blocks: list[Block]


class Fact(Struct, frozen=True, array_like=True):
    """One property: `price`, `telephone`, `hours`, or whatever the page calls it."""

    name: str
    value: str


class Record(Struct, frozen=True, array_like=True):
    """What a page states for machines about the site itself, or about something that it offers."""

    kind: Literal["site", "product"]
    name: str
    facts: list[Fact]


class PageLink(Struct, frozen=True, array_like=True):
    """A link of a page: its address and its text."""

    url: str
    text: str


class CrawledPage(Struct, frozen=True, omit_defaults=True):
    """One page. `digest` is of its text. `truncated`: sections at the end were dropped to fit the size limit."""

    url: str
    title: str
    sections: list[Section]
    digest: str
    lang: str = ""
    description: str = ""
    links: list[PageLink] = []
    records: list[Record] = []
    etag: str = ""
    modified: str = ""
    truncated: bool = False


class Head(Struct, frozen=True, omit_defaults=True):
    """The state of a site's newest crawl. `generation` rises with every finished crawl. `own`: LeFlux serves the site,
    under `start`.

    `until` (ms since the epoch) is when the lock of the crawl lapses.
    """

    generation: int = 0
    pages: int = 0
    start: str = ""
    own: bool = False
    state: State = "idle"
    found: int = 0
    done: int = 0
    failed: int = 0
    current: str | None = None
    error: str | None = None
    until: int = 0

    def settled(self) -> "Head":
        """The head at this moment: a crawl whose lock has lapsed counts as interrupted."""
        if self.state == "running" and self.until < now_ms():
            return msgspec.structs.replace(self, state="failed", current=None, error="the crawl was interrupted")
        return self

    def described(self) -> CrawlAnswer:
        """The head for the owner's API."""
        return CrawlAnswer(**{name: getattr(self, name) for name in CrawlAnswer.__struct_fields__})


def now_ms() -> int:
    return int(time.time() * 1000)


class CrawledPages:
    """Reads and writes the crawled pages of all sites."""

    def __init__(self, store: SettingsStore) -> None:
        self.store = self._store = store

    async def head(self, site_id: str) -> tuple[Head, int]:
        """The head, and the version to name in `put_head`."""
        found = await self._store.get(f"pages/{site_id}")
        if found is None:
            return Head(), 0
        return msgspec.json.decode(found.value, type=Head).settled(), found.version

    async def newest(self, site_id: str) -> Head:
        """The progress of the site's newest crawl, in whichever process it runs."""
        return (await self.head(site_id))[0]

    async def put_head(self, site_id: str, head: Head, expect: int) -> int:
        """Store the head; returns its new version. Raises `VersionConflict`."""
        return (await self._store.put(f"pages/{site_id}", msgspec.json.encode(head), expect)).version

    async def load(self, site_id: str) -> AsyncIterator[CrawledPage]:
        """Every page of the site. Unreadable documents are skipped."""
        names = await self._store.names(f"pages/{site_id}/")
        for start in range(0, len(names), READS_AT_ONCE):
            batch = names[start : start + READS_AT_ONCE]
            for found in await asyncio.gather(*(self._store.get(name) for name in batch)):
                page = unpack(found.value) if found is not None else None
                if page is not None:
                    yield page

    async def put(self, site_id: str, page: CrawledPage) -> CrawledPage:
        """Store one page, cut to the size limit; returns what was stored."""
        kept, packed = pack(page)
        name = _name(site_id, page.url)
        for _ in range(WRITE_TRIES):
            found = await self._store.get(name)
            try:
                await self._store.put(name, packed, found.version if found is not None else 0)
            except VersionConflict:
                continue
            return kept
        raise VersionConflict(found.version if found is not None else 0)

    async def remove(self, site_id: str, url: str) -> None:
        await self._store.remove(_name(site_id, url))


def _name(site_id: str, url: str) -> str:
    return f"pages/{site_id}/{hashlib.sha256(url.encode()).hexdigest()[:32]}"


def pack(page: CrawledPage) -> tuple[CrawledPage, bytes]:
    """The page as a document of at most `DOCUMENT_BYTES`. Sections at the end are dropped to fit."""
    while True:
        plain = msgspec.json.encode(page)
        packed = zlib.compress(plain, 6)
        if len(plain) <= MAX_UNPACKED and len(packed) <= DOCUMENT_BYTES:
            return page, packed
        if len(page.sections) > 1:
            half = page.sections[: len(page.sections) // 2]
            page = msgspec.structs.replace(page, sections=half, truncated=True)
        elif page.links:
            page = msgspec.structs.replace(page, links=[])
        else:
            section = page.sections[0]
            shorter = msgspec.structs.replace(section, blocks=section.blocks[: len(section.blocks) // 2])
            page = msgspec.structs.replace(page, sections=[shorter] if shorter.blocks else [], truncated=True)


def unpack(document: bytes) -> CrawledPage | None:
    """The page in a document, or None for an invalid document."""
    try:
        plain = zlib.decompressobj().decompress(document, MAX_UNPACKED)
        return msgspec.json.decode(plain, type=CrawledPage)
    except (zlib.error, msgspec.DecodeError):
        return None
