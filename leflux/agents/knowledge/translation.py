"""Asks an English site what was asked in another language, as far as everyday words go.

With embeddings of a multilingual model this is not needed; without them it is all there is.
"""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import yaml
from msgspec import Struct

EVERYDAY = Path(__file__).with_name("everyday_words.yaml")
# Of so many words, at least this share must be of the other language.
SHARE = 0.5
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
# Written without spaces.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


class Translated(Struct, frozen=True):
    """A question in English, and the language in which it was asked."""

    text: str
    lang: str


@cache
def _everyday() -> dict[str, dict[str, str | None]]:
    words: dict[str, dict[str, str | None]] = yaml.safe_load(EVERYDAY.read_text("utf-8"))
    return words


def translated(text: str, locale: str, english: frozenset[str]) -> Translated | None:
    """The question in English; None when it is in English, or cannot be told. `english`: words that are English too."""
    if _UNSPACED.search(text):
        return _unspaced(text)
    said = [word.casefold().replace("’", "'") for word in _WORD.findall(text[:1_000])]
    foreign = [word for word in said if word not in english]
    if not foreign:
        return None
    fits = Counter({lang: sum(word in words for word in foreign) for lang, words in _everyday().items()})
    lang = max(fits, key=lambda one: (fits[one], one == locale))
    known = _everyday()[lang]
    if fits[lang] < max(2, SHARE * len(foreign)) or not any(known.get(word) for word in foreign):
        return None
    meant = [known.get(word, word) for word in said]
    return Translated(" ".join(word for word in meant if word), lang)


def _unspaced(text: str) -> Translated | None:
    found = sorted(
        (text.find(word), meaning) for word, meaning in _everyday()["ja"].items() if meaning and word in text
    )
    names = re.findall(r"[A-Za-z][\w-]*", text)
    meant = [*names, *(meaning for _, meaning in found)]
    return Translated(" ".join(meant), "ja") if found else None
