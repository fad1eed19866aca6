"""English synonyms of visitors and pages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

SYNONYMS = Path(__file__).with_name("synonyms.yaml")
# The share of a synonym, and of another form of the same word (`deliver`, `delivery`).
ALIKE = 0.3
RELATED = 0.8
ROOT = 4
PARTICLES = ("back", "up", "off", "out", "away")


class Synonyms:
    """The groups of `synonyms.yaml` with their words stemmed. Phrases are recognised in questions only."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        self._alike: dict[str, dict[str, float]] = {}
        self._phrases: dict[str, dict[str, float]] = {}
        groups: list[list[str]] = yaml.safe_load(SYNONYMS.read_text("utf-8"))
        self.words = frozenset(word for group in groups for entry in group for word in entry.split())
        for group in groups:
            terms = [stem(word) for word in group if " " not in word]
            for term in terms:
                shares = {other: RELATED if related(term, other) else ALIKE for other in terms if other != term}
                self._alike.setdefault(term, {}).update(shares)
            for phrase in group:
                if " " in phrase:
                    self._phrases.setdefault(phrase, {}).update(dict.fromkeys(terms, ALIKE))
        longest_first = sorted(self._phrases, key=len, reverse=True)
        self._phrase = re.compile(rf"\b(?:{'|'.join(map(_pattern, longest_first))})\b")

    def alike(self, term: str) -> dict[str, float]:
        """Terms with the same or nearly the same meaning, each with its share."""
        return self._alike.get(term, {})

    def phrases(self, question: str) -> Iterator[tuple[str, dict[str, float]]]:
        """The single words that mean the same as the phrases of a question, with shares as in `alike`."""
        for match in self._phrase.finditer(question.casefold()):
            words = match[0].split()
            ends = [f"{words[0].removesuffix(ending)} {words[-1]}" for ending in ("", "ing", "s")]
            known = next(phrase for phrase in (match[0], *ends) if phrase in self._phrases)
            yield match[0], self._phrases[known]


def _pattern(phrase: str) -> str:
    """The phrase; "send back" may have words within ("send the lamp back")."""
    first, _, last = phrase.rpartition(" ")
    if last in PARTICLES and " " not in first:
        return rf"{re.escape(first)}(?:ing|s)?(?: \w+){{0,3}}? {last}"
    return re.escape(phrase)


def related(one: str, other: str) -> bool:
    """Whether both stems have one root: the longer begins with the shorter, without its last letter."""
    short = min(one, other, key=len)
    return len(short) >= ROOT and one[: max(ROOT, len(short) - 1)] == other[: max(ROOT, len(short) - 1)]
