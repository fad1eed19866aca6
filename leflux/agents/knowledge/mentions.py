"""Paragraphs in which a site's pages link and describe each other."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from leflux.sites.crawled_pages import CrawledPage

# Limits for one page. A paragraph with more links than this is a list and describes nothing.
PER_PAGE = 8
LINKS_PER_BLOCK = 8
MENTION_CHARS = 800
_CODE = re.compile(r"`([^`]+)`")


def mentions(pages: Sequence[CrawledPage], names: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """For each page, the paragraphs of other pages that link it, under their headings. `names`: as in
    `linkage.names_of`.
    """
    number = {page.url: place for place, page in enumerate(pages)}
    known = {url: frozenset(texts) for url, texts in names.items()}
    said: list[list[str]] = [[] for _ in pages]
    for place, page in enumerate(pages):
        called: defaultdict[str, set[int]] = defaultdict(set)
        for link in page.links:
            target = number.get(link.url)
            if target not in (None, place) and link.text.casefold() in known.get(link.url, ()):
                called[link.text.replace("`", "")].add(number[link.url])
        counts: Counter[int] = Counter()
        for text, targets in _linking(page, called):
            for target in targets:
                counts[target] += 1
                if counts[target] <= PER_PAGE:
                    said[target].append(text)
    return said


def _linking(page: CrawledPage, called: Mapping[str, set[int]]) -> Iterator[tuple[str, list[int]]]:
    """The paragraphs that contain the text of a link. The position of a link is not stored: a text of a single word
    counts only in code, because elsewhere it may be a coincidence.
    """
    several = [text for text in called if " " in text]
    for section in page.sections if called else ():
        for block in section.blocks:
            if block.kind != "code":
                held = [text for text in _CODE.findall(block.text) if text in called]
                held += [text for text in several if text in block.text]
                targets = {target for text in held for target in called[text]}
                if 0 < len(targets) <= LINKS_PER_BLOCK:
                    yield f"{section.heading}\n{block.text[:MENTION_CHARS]}", sorted(targets)
