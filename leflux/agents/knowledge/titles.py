"""Page titles without the site's name, which most sites put at the end (or start) of every one."""

import re
from collections import Counter
from collections.abc import Sequence

import msgspec

from leflux.site_pages import Page

# Said by fewer pages than this share, it is not the site's name.
COMMON = 0.5
MIN_PAGES = 3
_SEPARATOR = re.compile(r"\s+(?:[|·•:»«–—-]|::|&raquo;)\s+")


def without_site_name(pages: Sequence[Page]) -> list[Page]:
    """The same pages; a part of the title that most of them share is dropped."""
    parts = [_SEPARATOR.split(page.title) for page in pages]
    counts = Counter(part for split in parts for part in {split[0], split[-1]} if len(split) > 1)
    least = max(MIN_PAGES, COMMON * len(pages))
    names = {part for part, count in counts.items() if count >= least}
    return [_renamed(page, split, names) for page, split in zip(pages, parts, strict=True)]


def _renamed(page: Page, split: list[str], names: set[str]) -> Page:
    start = int(len(split) > 1 and split[0] in names)
    end = len(split) - int(len(split) > 1 + start and split[-1] in names)
    if (start, end) == (0, len(split)):
        return page
    # Cut from the title itself, so that the separators that stay are the page's own.
    title = page.title
    if start:
        title = title[len(split[0]) :]
    if end < len(split):
        title = title[: len(title) - len(split[-1])]
    return msgspec.structs.replace(page, title=re.sub(r"^[\s|·•:»«–—-]+|[\s|·•:»«–—-]+$", "", title))
