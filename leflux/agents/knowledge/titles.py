"""Page titles without the site's name, which most sites repeat on every page."""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from leflux.sites.crawled_pages import CrawledPage

# A part on fewer pages than this share is not the site's name.
COMMON = 0.5
MIN_PAGES = 3
_SEPARATOR = re.compile(r"\s+(?:[|·•:»«–—-]|::|&raquo;)\s+")


def without_site_name(pages: Sequence[CrawledPage]) -> list[CrawledPage]:
    """The same pages, without the part of the title that most of them share."""
    parts = [_SEPARATOR.split(page.title) for page in pages]
    counts = Counter(part for split in parts for part in {split[0], split[-1]} if len(split) > 1)
    least = max(MIN_PAGES, COMMON * len(pages))
    names = {part for part, count in counts.items() if count >= least}
    return [_renamed(page, split, names) for page, split in zip(pages, parts, strict=True)]


def _renamed(page: CrawledPage, split: list[str], names: set[str]) -> CrawledPage:
    start = int(len(split) > 1 and split[0] in names)
    end = len(split) - int(len(split) > 1 + start and split[-1] in names)
    if (start, end) == (0, len(split)):
        return page
    # Cut from the original title, so that its other separators stay.
    title = page.title
    if start:
        title = title[len(split[0]) :]
    if end < len(split):
        title = title[: len(title) - len(split[-1])]
    return msgspec.structs.replace(page, title=re.sub(r"^[\s|·•:»«–—-]+|[\s|·•:»«–—-]+$", "", title))
