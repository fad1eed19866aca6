"""The crawled pages of a site, kept as documents of the settings store: no backend needs anything more for them.

`pages/<site>` is the small head that every process reads to learn that there is something new, and that one
crawl at a time holds by compare-and-set; `pages/<site>/<key>` is one page.
"""

import asyncio
import hashlib
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict

DOCUMENT_BYTES = 200_000
# What a stranger's page may unpack to, should a document have been tampered with.
MAX_UNPACKED = 8_000_000
READS_AT_ONCE = 16
WRITE_TRIES = 5

State = Literal["idle", "running", "done", "failed"]


class Block(Struct, frozen=True, array_like=True):
    """`kind`: p (paragraph), item (of a list or table), term (that is defined), code (a listing, lines kept).

    In all but `code`, what was code on the page stands between backquotes; there are no other backquotes.
    """

    kind: Literal["p", "item", "term", "code"]
    text: str


class Section(Struct, frozen=True, array_like=True):
    """A heading (empty: the text before the first one), its level, the id that leads to it, and what follows."""

    heading: str
    level: int
    anchor: str | None
    blocks: list[Block]


class Link(Struct, frozen=True, array_like=True):
    """Where a page leads, and what it calls that."""

    url: str
    text: str


class Page(Struct, frozen=True, omit_defaults=True):
    """One page. `digest` is of its text; `truncated`: sections at its end were left out, so that it fits."""

    url: str
    title: str
    sections: list[Section]
    digest: str
    lang: str = ""
    description: str = ""
    links: list[Link] = []
    etag: str = ""
    modified: str = ""
    truncated: bool = False


class Head(Struct, frozen=True, omit_defaults=True):
    """`generation` rises with every finished crawl. `own`: the site is served by LeFlux itself, under `start`.

    The rest tells of the newest crawl; `until` (ms since the epoch) is when its hold on the site lapses.
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
        """As it is now: a crawl whose hold has lapsed was interrupted."""
        if self.state == "running" and self.until < now_ms():
            return msgspec.structs.replace(self, state="failed", current=None, error="the crawl was interrupted")
        return self

    def described(self) -> dict[str, Any]:
        """As an owner is told; `pages`: how many the agent answers from now."""
        names = ("state", "found", "done", "failed", "current", "pages", "start", "error")
        return {name: getattr(self, name) for name in names}


def now_ms() -> int:
    return int(time.time() * 1000)


class SitePages:
    """Reads and writes the pages of all sites."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store

    async def head(self, site_id: str) -> tuple[Head, int]:
        """The head, and the version that `put_head` must name."""
        found = await self._store.get(f"pages/{site_id}")
        if found is None:
            return Head(), 0
        return msgspec.json.decode(found.value, type=Head).settled(), found.version

    async def newest(self, site_id: str) -> Head:
        """How far the site's newest crawl is, whichever process runs it."""
        return (await self.head(site_id))[0]

    async def put_head(self, site_id: str, head: Head, expect: int) -> int:
        """Returns the new version. Raises `VersionConflict`."""
        return (await self._store.put(f"pages/{site_id}", msgspec.json.encode(head), expect)).version

    async def load(self, site_id: str) -> AsyncIterator[Page]:
        """Every page of the site; one that cannot be read is left out."""
        names = await self._store.names(f"pages/{site_id}/")
        for start in range(0, len(names), READS_AT_ONCE):
            batch = names[start : start + READS_AT_ONCE]
            for found in await asyncio.gather(*(self._store.get(name) for name in batch)):
                page = unpack(found.value) if found is not None else None
                if page is not None:
                    yield page

    async def put(self, site_id: str, page: Page) -> Page:
        """Store one page, cut to size; returns what was stored."""
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


def pack(page: Page) -> tuple[Page, bytes]:
    """The page as a document of at most `DOCUMENT_BYTES`; sections that do not fit are dropped from the end."""
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


def unpack(document: bytes) -> Page | None:
    """The page in a document, or None when it holds none."""
    try:
        plain = zlib.decompressobj().decompress(document, MAX_UNPACKED)
        return msgspec.json.decode(plain, type=Page)
    except (zlib.error, msgspec.DecodeError):
        return None
