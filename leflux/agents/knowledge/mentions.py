"""What the pages of a site say about each other: the paragraphs that link a page describe it in words of their own."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from leflux.site_pages import Page

# A page says only so much of one other; a paragraph with more links than this is a list, and describes none of them.
PER_PAGE = 8
LINKS_PER_BLOCK = 8
MENTION_CHARS = 800
_CODE = re.compile(r"`([^`]+)`")


def mentions(pages: Sequence[Page], names: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """For each page, the paragraphs of others that link it, under their headings. `names`: as of `linkage.names_of`."""
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


def _linking(page: Page, called: Mapping[str, set[int]]) -> Iterator[tuple[str, list[int]]]:
    """The paragraphs that hold the text of a link. Where a link stood is not kept: one of a single word counts only
    where it is code, because another word would be met by chance."""
    several = [text for text in called if " " in text]
    for section in page.sections if called else ():
        for block in section.blocks:
            if block.kind != "code":
                held = [text for text in _CODE.findall(block.text) if text in called]
                held += [text for text in several if text in block.text]
                targets = {target for text in held for target in called[text]}
                if 0 < len(targets) <= LINKS_PER_BLOCK:
                    yield f"{section.heading}\n{block.text[:MENTION_CHARS]}", sorted(targets)
