"""What visitors and pages call one thing by different words (English)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

SYNONYMS = Path(__file__).with_name("synonyms.yaml")
# A page that says it by another word, and by another form of the same word (`deliver`, `delivery`).
ALIKE = 0.3
RELATED = 0.8
ROOT = 4


class Synonyms:
    """The groups of `synonyms.yaml`, by what `stem` makes of their words. A phrase is known in questions only."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        self._alike: dict[str, dict[str, float]] = {}
        self._phrases: dict[str, dict[str, float]] = {}
        for group in yaml.safe_load(SYNONYMS.read_text("utf-8")):
            terms = [stem(word) for word in group if " " not in word]
            for term in terms:
                shares = {other: RELATED if related(term, other) else ALIKE for other in terms if other != term}
                self._alike.setdefault(term, {}).update(shares)
            for phrase in group:
                if " " in phrase:
                    self._phrases.setdefault(phrase, {}).update(dict.fromkeys(terms, ALIKE))
        longest_first = sorted(self._phrases, key=len, reverse=True)
        self._phrase = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")

    def alike(self, term: str) -> dict[str, float]:
        """Terms that mean the same or nearly so, each with how much of the term it is worth."""
        return self._alike.get(term, {})

    def phrases(self, question: str) -> Iterator[tuple[str, dict[str, float]]]:
        """The phrases of a question that single words stand for, with these as in `alike`."""
        for match in self._phrase.finditer(question.casefold()):
            yield match[0], self._phrases[match[0]]


def related(one: str, other: str) -> bool:
    """Whether both stems are of one root: the shorter begins the longer, save its last letter."""
    short = min(one, other, key=len)
    return len(short) >= ROOT and one[: max(ROOT, len(short) - 1)] == other[: max(ROOT, len(short) - 1)]
