"""Finds the page that a visitor names ("take me to the returns page")."""

import re
from collections.abc import Sequence

from leflux.agents.knowledge.words import Words
from leflux.sites.crawled_pages import CrawledPage

_PLEASE = r"(?:(?:please|can you|could you|would you|i want to|i'd like to|i would like to|let's)\s+){0,2}"
_GO = re.compile(
    _PLEASE
    + r"(?:take|bring|lead|send|navigate|guide|jump|go|get)\s+(?:me\s+)?(?:over\s+)?(?:back\s+)?to\s+(.{1,120})",
    re.IGNORECASE,
)
_OPEN = re.compile(_PLEASE + r"(?:open|show|visit|view|see)\s+(?:me\s+)?(.{1,120})", re.IGNORECASE)
_FILLER = {"page", "section", "site", "website", "tab", "screen", "please", "now", "the", "your", "our", "a", "an"}
_HOME = {"home", "homepage", "start", "main", "front", "frontpage"}


def destination(text: str) -> tuple[str, bool] | None:
    """The target page, and whether the visitor clearly asks to go there."""
    said = text.strip().rstrip(".!? ")
    if "//" in said or "www." in said.lower():
        # Only pages of the site are opened: an address is not a name.
        return None
    if match := _GO.fullmatch(said):
        return match[1], True
    if match := _OPEN.fullmatch(said):
        return match[1], False
    return None


class PageNames:
    """The names of the pages: titles, first headings and link texts."""

    def __init__(self, pages: Sequence[CrawledPage], words: Words, start: str) -> None:
        self._words = words
        self._named: dict[frozenset[str], CrawledPage] = {}
        self._start = next((page for page in pages if page.url == start), None)
        by_url = {page.url: page for page in pages}
        for page in pages:
            first = page.sections[0].heading if page.sections else ""
            for name in (page.title, first):
                self._name(name, page)
        for page in pages:
            for link in page.links:
                if (target := by_url.get(link.url)) is not None and target is not page:
                    self._name(link.text, target)

    def _name(self, name: str, page: CrawledPage) -> None:
        if terms := self._key(name):
            self._named.setdefault(terms, page)

    def _key(self, name: str) -> frozenset[str]:
        words = [word for word in re.findall(r"[^\W_]+", name.casefold()) if word not in _FILLER]
        return frozenset(self._words.terms(" ".join(words)) or words)

    def find(self, name: str) -> CrawledPage | None:
        """The page with exactly this name, else the only page whose name has all of its words."""
        words = {word for word in re.findall(r"[^\W_]+", name.casefold()) if word not in _FILLER}
        if words and words <= _HOME:
            return self._start
        wanted = self._key(name)
        if not wanted:
            return None
        if (page := self._named.get(wanted)) is not None:
            return page
        wider = [(len(key), page.url, page) for key, page in self._named.items() if wanted < key]
        shortest = min((size for size, _, _ in wider), default=0)
        found = {url: page for size, url, page in wider if size == shortest}
        return next(iter(found.values())) if len(found) == 1 else None
