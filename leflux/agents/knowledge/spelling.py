"""Forgives spelling: a word that the site does not know becomes the nearest one that it does."""

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA

MIN_LENGTH = 4
LONG = 8


class Spelling:
    """`words`: everything that may be meant, in lower case."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known: dict[str, list[str]] = {}
        for word in set(words):
            if len(word) >= MIN_LENGTH - 1 and word.isalpha():
                self._known.setdefault(word[0], []).append(word)

    def nearest(self, word: str) -> str | None:
        """The known word at a distance of one slip, of two in a long word; None when there is none, or several."""
        if len(word) < MIN_LENGTH - (word[:2] == "te") or not word.isalpha():
            return None
        slips = 2 if len(word) >= LONG else 1
        near = process.extract(word, self._known.get(word[0], ()), scorer=OSA.distance, score_cutoff=slips, limit=8)
        found = [(known, distance) for known, distance, _ in near]
        if not found:
            return None
        # Swapped letters are the likeliest slip.
        swapped = [known for known, _ in found if sorted(known) == sorted(word)]
        best = min(distance for _, distance in found)
        nearest = swapped or [known for known, distance in found if distance == best]
        return nearest[0] if len(nearest) == 1 else None
