"""The URLs that are still to be visited: breadth first, each once, with limits.

A crawler trap (a calendar, a shop's filters) links to ever new URLs. The limits are on the pages, on the query strings
of one path, on the numbers in one part of a path, and on the distance from the start.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable
from urllib.parse import urlsplit

from leflux.crawling.urls import Scope

MAX_DEPTH = 25
QUERIES_PER_PATH = 25
PATHS_PER_SHAPE = 200
# Pages that fail, redirect or repeat another one count as visits.
VISITS_PER_PAGE = 2
_NUMBER = re.compile(r"\d+")


class Frontier:
    """Returns URLs in the order in which they were found. `cap` limits the visits."""

    def __init__(self, scope: Scope, cap: int) -> None:
        self._scope = scope
        self._visits = cap * VISITS_PER_PAGE
        self._waiting: deque[tuple[str, int]] = deque()
        self._seen: set[str] = set()
        self._queries: Counter[str] = Counter()
        self._shapes: Counter[str] = Counter()

    @property
    def found(self) -> int:
        """How many of the URLs were worth a visit."""
        return len(self._seen)

    def take(self) -> tuple[str, int] | None:
        """The next URL and its distance from the start."""
        return self._waiting.popleft() if self._waiting else None

    def add(self, links: Iterable[str], base: str, depth: int) -> None:
        """Add the links of the page `base`."""
        if depth > MAX_DEPTH:
            return
        for link in links:
            if len(self._seen) >= self._visits:
                return
            url = self._scope.page(link, base)
            if url is not None and url not in self._seen and not self._repeats(url):
                self._seen.add(url)
                self._waiting.append((url, depth))

    def first_visit(self, url: str) -> bool:
        """Whether the URL is new; marks it as visited. Targets of redirects are visited too."""
        if url in self._seen:
            return False
        self._seen.add(url)
        return True

    def _repeats(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.query:
            self._queries[parts.path] += 1
            if self._queries[parts.path] > QUERIES_PER_PATH:
                return True
        shape = _NUMBER.sub("0", parts.path)
        if shape == parts.path and "0" not in shape:
            return False
        self._shapes[shape] += 1
        return self._shapes[shape] > PATHS_PER_SHAPE
