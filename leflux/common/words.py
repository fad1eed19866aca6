"""Words in messages for people: lists, and the nearest valid word for a misspelt one."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_CLOSE = 0.6


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely stands for. Case, `-` and `_` do not count."""
    wanted = _plain(word)
    scored = [(_likeness(wanted, _plain(candidate)), candidate) for candidate in known]
    score, best = max(scored, default=(0.0, ""))
    return best if score >= _CLOSE else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing."""
    found = nearest(word, known)
    return "" if found is None else f"; did you mean `{found}`?"


def _likeness(wanted: str, candidate: str) -> float:
    ratio = SequenceMatcher(None, wanted, candidate).ratio()
    shorter, longer = sorted((wanted, candidate), key=len)
    is_part = len(shorter) >= 3 and shorter in longer
    return max(ratio, _CLOSE) if is_part else ratio


def _plain(word: str) -> str:
    return word.casefold().replace("_", "").replace("-", "")
