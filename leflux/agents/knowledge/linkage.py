"""What the links between a site's pages say about a page: its names, and how often it is referred to."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from leflux.sites.crawled_pages import CrawledPage

# A link on nearly every page belongs to the navigation and says nothing about its target.
FRAME_SHARE = 0.5
FRAME_MIN = 10
NAMES_PER_PAGE = 40
# With fewer characters of text for each link, the page is a list of links.
TEXT_PER_LINK = 60
TEXT_PER_LINK_MIN_LINKS = 20


def names_of(pages: Sequence[CrawledPage]) -> dict[str, list[str]]:
    """URL -> the link texts that other pages use for it, the most frequent first."""
    called: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for page in pages:
        for link in page.links:
            if link.text and link.url != page.url:
                called[link.url][link.text.casefold()] += 1
    frame = max(FRAME_MIN, FRAME_SHARE * len(pages))
    return {
        url: [text for text, count in counts.most_common(NAMES_PER_PAGE) if count < frame]
        for url, counts in called.items()
    }


def standing(pages: Sequence[CrawledPage]) -> list[float]:
    """For each page, how many other pages link to it, 0..1 on a logarithmic scale."""
    referring: Counter[str] = Counter()
    for page in pages:
        referring.update({link.url for link in page.links if link.url != page.url})
    frame = max(FRAME_MIN, FRAME_SHARE * len(pages))
    counts = [referring[page.url] if referring[page.url] < frame else 0 for page in pages]
    most = math.log1p(max(counts, default=0)) or 1.0
    return [math.log1p(count) / most for count in counts]


def is_directory(page: CrawledPage) -> bool:
    """Whether the page is mostly links."""
    length = sum(len(block.text) for section in page.sections for block in section.blocks)
    return len(page.links) >= TEXT_PER_LINK_MIN_LINKS and length < TEXT_PER_LINK * len(page.links)
