"""Turns text into search terms: lower-case words without stop words, reduced to their stems."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer
from bm25s import stopwords

from leflux.agents.knowledge.synonyms import Synonyms

MAX_WORDS = 60
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['’][a-z]{1,2}\b)?")
_CAMEL = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]{2,}|[a-z]+|\d+")
# A visitor's word may be long: each run of letters is tried from its first letter only, and never given back.
_COMPOUND = re.compile(r"(?<![^\W\d_])[^\W\d_]++(?:(?:-[^\W_]++){1,3}(?![\w-])|(?:_[^\W_]++)+)|__[^\W_]++__")
WORD_CHARS = 64
STEMS = 50_000
"""Words whose stems are kept. Visitors add to them."""
_SNOWBALL = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
}
# Question words, in addition to the usual stop words.
_ASKING = {
    "en": """a about am an and any are as at be been best but by can could d did do does doing don for from get gets
    getting give good has have having he help her here hi him his how i if in into is it its just know
    let like ll long m made make makes making many may me mean means might much must my need needs no
    not of off often on one or other our out over please possible re s she should show so some something
    t take takes taking tell than that the their them then there these they thing things this those to
    too us use used uses using ve very want wants was way ways we were what when where which who whom
    whose why will with work works would you your""",
    "de": """wie was wo wer wann warum welche welcher welches kann können könnte gibt es ich du sie wir man mein dein
    euer euch ihr bitte machen muss soll""",
    "fr": "comment quoi où qui quand pourquoi quel quelle quels quelles puis peut est-ce je tu vous nous",
    "es": "cómo qué dónde quién cuándo cuál cuáles puedo puede hay yo usted",
}


class Words:
    """Stop words and stems of one language. Text of an unknown language is only split into words."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        name = _SNOWBALL.get(lang)
        self.stem = lru_cache(STEMS)(Stemmer.Stemmer(name).stemWord) if name else str
        usual = getattr(stopwords, f"STOPWORDS_{lang.upper()}", ())
        self._stop = frozenset(usual) | frozenset(_ASKING.get(lang, "").split())
        self.synonyms = Synonyms(self.stem) if lang == "en" else None

    def is_stop(self, word: str) -> bool:
        return word in self._stop

    def known(self) -> frozenset[str]:
        """The words that need no site to be known: stop words, and words with synonyms."""
        return self._stop | (self.synonyms.words if self.synonyms is not None else frozenset())

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order, with repetitions."""
        return [self.stem(word) for word in self.words(text)]

    def words(self, text: str) -> Iterator[str]:
        """The words without stop words. A compound (`camelCase`, `snake_case`, `e-mail`) counts as a whole and in its
        parts.
        """
        plain = unicodedata.normalize("NFKC", text)
        for match in _WORD.finditer(plain):
            raw = match[0]
            word = raw.lower().replace("’", "'").partition("'")[0][:WORD_CHARS]
            if word not in self._stop:
                yield word
            if not (raw.islower() or raw.isupper() or raw.istitle() or raw[0].isdigit()):
                parts = _CAMEL.findall(raw)
                if len(parts) > 1:
                    yield from (part.lower() for part in parts if part.lower() not in self._stop)
        for match in _COMPOUND.finditer(plain):
            yield match[0].lower()
