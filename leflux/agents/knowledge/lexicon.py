"""What the words of a question may mean on one site: other forms, synonyms, places, and words of other languages."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml
from msgspec import Struct

from leflux.agents.knowledge.forms import COLOURS, DAYS
from leflux.agents.knowledge.spelling import Spelling
from leflux.agents.knowledge.synonyms import PARTICLES, RELATED
from leflux.agents.knowledge.words import MAX_WORDS, Words

PLACES = Path(__file__).with_name("places.yaml")
SMALL_WORDS = Path(__file__).with_name("small_words.yaml")
SAME_ROOT = 0.9
ALIKE = 0.75
PLACE = 0.85
OTHER_DAY = 0.7
LEAST = 0.3
WEAK = 0.12
UNKNOWN = 1.0
# Words that say little about what is asked.
_WEAK = frozenset(yaml.safe_load(SMALL_WORDS.read_text("utf-8"))["weak"].split())
_SUFFIX = re.compile(
    r"(?:ations?|ments?|ings?|ables?|ibles?|ability|ers?|ors?|ances?|ness|ful|ity|ions?|ed|es|s|y|e|th)$"
)
_WORD = re.compile(r"[^\W\d_]+")


class AskedTerm(Struct, frozen=True):
    """A word of a question: the stems that may stand for it, each with its share, and its weight. `known`: the site
    uses one of them.
    """

    word: str
    stems: dict[str, float]
    weight: float
    known: bool

    def held(self, terms: frozenset[str]) -> float:
        """How well these terms stand for the word, 0..1."""
        return max((share for stem, share in self.stems.items() if stem in terms), default=0.0)


class Lexicon:
    """`weight(stem)`: how rare it is on the site, 0..1, or None when the site does not use it. `site`: the words of its
    name, which say nothing.
    """

    def __init__(
        self, words: Words, spoken: Iterable[str], weight: Callable[[str], float | None], site: Iterable[str] = ()
    ) -> None:
        self.words = words
        self.site = frozenset(site)
        self._weight = weight
        self._roots: defaultdict[str, set[str]] = defaultdict(set)
        spoken = set(spoken)
        for word in spoken:
            self._roots[root(word)].add(words.stem(word))
        self._places = {place: words.terms(kinds) for place, kinds in _places().items()}
        self.english = frozenset(spoken) | words.known() | _WEAK
        self._spelling = Spelling(spoken | words.known() | self._places.keys() | _WEAK | COLOURS)

    def corrected(self, text: str) -> str:
        """The text with slips of the pen mended."""

        def mended(match: re.Match[str]) -> str:
            word = match[0].lower()
            if self._is_word(word):
                return match[0]
            # A capital within the text begins a name, which nobody has misspelt.
            if match[0][0].isupper() and match.start() > 0:
                return match[0]
            return self._spelling.nearest(word) or match[0]

        return _WORD.sub(mended, text)

    def _is_word(self, word: str) -> bool:
        stem = self.words.stem(word)
        synonyms = self.words.synonyms
        return (
            self._weight(stem) is not None
            or self.words.is_stop(word)
            or word in _WEAK
            or word in self._places
            or word in COLOURS
            or root(word) in self._roots
            or word.endswith("est")
            or (synonyms is not None and bool(synonyms.alike(stem)))
        )

    def asked(self, text: str) -> list[AskedTerm]:
        """The words of a question that say what is asked."""
        found: dict[str, AskedTerm] = {}
        rest = text
        for phrase, alike in self.words.synonyms.phrases(text) if self.words.synonyms else ():
            stems = {other: ALIKE for other in alike if self._weight(other) is not None}
            if _asks_form(phrase):
                continue
            if not stems and all(word in _WEAK or self.words.is_stop(word) for word in phrase.split()):
                # It means something that the site does not speak of.
                found[phrase] = AskedTerm(phrase, {}, UNKNOWN, known=False)
            if stems:
                weight = max(self._rare(other) for other in stems)
                found[phrase] = AskedTerm(phrase, stems, weight, known=True)
                # The words of a phrase mean what it means, and not what each of them does.
                own = (phrase.split()[0], phrase.split()[-1]) if phrase.split()[-1] in PARTICLES else (phrase,)
                for word in own:
                    rest = re.sub(rf"\b{re.escape(word)}\b", " ", rest, flags=re.I)
        for word in list(self.words.words(rest))[:MAX_WORDS]:
            stem = self.words.stem(word)
            if stem not in found:
                found[stem] = self._asked(word, stem)
        return list(found.values())

    def _asked(self, word: str, stem: str) -> AskedTerm:
        stems: dict[str, float] = {}
        if self.words.synonyms is not None:
            for other, share in self.words.synonyms.alike(stem).items():
                stems[other] = SAME_ROOT if share >= RELATED else ALIKE
        for other in self._roots.get(root(word), ()):
            stems[other] = SAME_ROOT
        stems |= dict.fromkeys(self._places.get(word, ()), PLACE)
        if word.removesuffix("s") in DAYS:
            # "On Monday?" is answered by the days that there are.
            stems |= {self.words.stem(day): OTHER_DAY for day in DAYS}
        stems[stem] = 1.0
        own = self._weight(stem)
        used = [self._rare(other) for other in stems if self._weight(other) is not None]
        if word in _WEAK or word in self.site or word[0].isdigit():
            weight = WEAK
        elif own is not None:
            weight = LEAST + (1 - LEAST) * own
        else:
            weight = (max(used) + UNKNOWN) / 2 if used else UNKNOWN
        return AskedTerm(word, stems, weight, bool(used))

    def _rare(self, stem: str) -> float:
        weight = self._weight(stem)
        return LEAST + (1 - LEAST) * (weight if weight is not None else 1.0)


def _asks_form(phrase: str) -> bool:
    """Whether the phrase only asks for the form of the answer, of which `forms` takes care."""
    return phrase.startswith(("how ", "what time"))


def root(word: str) -> str:
    """The word without its ending: `dimmable`, `dimmer` and `dims` have one root."""
    if len(word) < 4:
        return word
    cut = _SUFFIX.sub("", word)
    if len(word) == 4 and not word.endswith("s"):
        return word
    if len(cut) < 3:
        return word
    return cut[:-1] if len(cut) > 3 and cut[-1] == cut[-2] and cut[-1] not in "ls" else cut


def _places() -> dict[str, str]:
    """Country -> the terms for where it lies."""
    kinds: dict[str, str] = yaml.safe_load(PLACES.read_text("utf-8"))
    return {place: kind for kind, places in kinds.items() for place in places.split()}
