"""Removes what every page of a site repeats: menus, cookie notices, footers."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from leflux.sites.crawled_pages import CrawledPage

SHARE = 0.4
MIN_PAGES = 3


def without_repetitions(pages: Sequence[CrawledPage]) -> list[CrawledPage]:
    """The same pages, without the blocks and the sections that many of them share."""
    counts = Counter(text for page in pages for text in {_key(b.text) for s in page.sections for b in s.blocks})
    least = max(MIN_PAGES, SHARE * len(pages))
    frame = {text for text, count in counts.items() if count >= least}
    return [_without(page, frame) for page in pages] if frame else list(pages)


def _without(page: CrawledPage, frame: set[str]) -> CrawledPage:
    sections = []
    for section in page.sections:
        blocks = [block for block in section.blocks if block.kind in ("row", "fact") or _key(block.text) not in frame]
        # A heading whose whole text is the frame's belongs to the frame.
        if blocks or not section.blocks:
            sections.append(msgspec.structs.replace(section, blocks=blocks))
    return msgspec.structs.replace(page, sections=sections)


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
