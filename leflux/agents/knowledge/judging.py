"""How well a statement answers a question. The limits were chosen on questions that are in no test."""

import re
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from leflux.agents.knowledge.forms import Form, asks_for_oneself, asks_what_is_offered, form_of, is_negated
from leflux.agents.knowledge.lexicon import LEAST, AskedTerm
from leflux.agents.knowledge.offers import Offer
from leflux.agents.knowledge.passages import Passage
from leflux.agents.knowledge.statements import WHOLE_CHARS, Statement, Terms

# How much a word counts that is not in the statement itself, but in what stands around it.
HEADED, ABOUT, NEAR, ELSEWHERE = 0.95, 0.85, 0.7, 0.2
# The least share of the question that must be covered, and that the statement or its heading must cover.
COVERED, SAID = 0.62, 0.3
# What counts in favour: words in the statement itself, the rank of its passage, a heading that is the question, the
# right form, being denied when that is asked, being said first.
DIRECT, RANKED, TITLED, HELD, BEST, NEGATED, FIRST = 0.25, 0.15, 0.3, 0.25, 0.625, 0.25, 0.12
# What counts against it: a word of about the greatest weight that is missing, a sentence that leans on the one before,
# one row of many, a heading about something else, a form that is only likely.
MAIN, UNSAID, LEANING, ONE_OF_MANY, FOREIGN, UNLIKELY = 0.9, 0.3, 0.08, 0.2, 0.15, 0.1
# How much closeness in meaning makes up for words, and how close what answers is at least.
CLOSE, USUAL = 0.9, 0.15
PERSONAL = 0.2
# Two statements with so many words in common are about one thing.
SAME_WORDS = 0.6
_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")
ROWS = 3
SAID_HERE = 0.5
# "What is a decorator?", "what does the GIL do?", with so many content words at most.
EXPLAINED = 3
_EXPLAINS = re.compile(r"\W*(?:what|who)(?:['’]s| is| are| does| do)\b|\W*(?:explain|define)\b", re.I)
_YOU = re.compile(r"\byou (?:have|can|may|need|must|do not)\b", re.I)


class Asked(Struct, frozen=True):
    """A question, read. `named`: the things of the site that it names. `negated`: it asks what is not, `offered`:
    whether there is something, `personal`: what the visitor may do.
    """

    terms: list[AskedTerm]
    form: Form | None
    named: list[Offer]
    negated: bool
    offered: bool
    personal: bool
    text: str

    @classmethod
    def read(cls, question: str, terms: list[AskedTerm], named: list[Offer]) -> "Asked":
        form, negated = form_of(question), is_negated(question)
        return cls(terms, form, named, negated, asks_what_is_offered(question), asks_for_oneself(question), question)

    @property
    def explains(self) -> bool:
        """Whether it asks what something is or does, and no more."""
        return self.form is None and bool(_EXPLAINS.match(self.text)) and len(self.terms) <= EXPLAINED

    def beside_form(self) -> list[AskedTerm]:
        """The terms that do not only ask for the form of the answer."""
        words = self.form.words if self.form is not None else frozenset()
        return [term for term in self.terms if term.word not in words] or self.terms

    @property
    def strict(self) -> bool:
        return self.form is not None and self.form.strict


class Place(Struct, frozen=True):
    """What stands around a statement. `foreign`: the share of its heading that nobody has asked for. `thing`: the
    offer that the heading names. `rank`, `close`: of its passage, in words and in meaning, 0..1; None without vectors.
    """

    heading: Terms
    about: Terms
    page: Terms
    agreement: float
    foreign: float
    thing: Terms | None
    rank: float
    close: float | None

    @property
    def meant(self) -> float:
        """What the closeness in meaning adds to the words that are covered."""
        return 0.0 if self.close is None else CLOSE * (self.close - USUAL)


class Judgement(Struct, frozen=True):
    """`score` compares statements; `covered` says whether it is an answer at all."""

    score: float
    covered: float


class Chosen(Struct, frozen=True):
    """The answer, with the passage that says so. `contrary`: another page's that says the same with other numbers."""

    text: str
    passage: Passage
    score: float
    covered: float
    contrary: "Chosen | None" = None


def judge(statement: Statement, place: Place, asked: Asked, one_of_many: bool) -> Judgement | None:
    """How well the statement answers; None when it does not."""
    holds = asked.form is None or asked.form.holds.search(statement.text) is not None
    if not holds and asked.strict:
        return None
    terms = asked.beside_form() if asked.form is not None and holds else asked.terms
    said = [(statement.own, 1.0), (place.heading, HEADED), (place.about, ABOUT)]
    covered = coverage(terms, [*said, (statement.near, NEAR), (place.page, ELSEWHERE)]) + place.meant
    if not holds:
        covered -= UNLIKELY
    direct = coverage(asked.terms, said[:1])
    if max(direct, coverage(terms, said) - 0.2, 2 * place.meant) < SAID:
        return None
    if _lacks_main(statement, place, asked, terms):
        covered -= UNSAID * (1 - (place.close or 0.0))
    if covered < COVERED:
        return None
    return Judgement(covered + _merit(statement, place, asked, holds, direct, one_of_many), covered)


def _lacks_main(statement: Statement, place: Place, asked: Asked, terms: Sequence[AskedTerm]) -> bool:
    beside = [term for term in terms if not any(term.held(offer.key) for offer in asked.named)]
    most = max((term.weight for term in beside), default=0.0)
    here = statement.own | place.heading | place.about
    return any(term.weight >= MAIN * most and term.held(here) < 0.5 for term in beside)


def _merit(statement: Statement, place: Place, asked: Asked, holds: bool, direct: float, one_of_many: bool) -> float:
    merit = DIRECT * direct + RANKED * place.rank + TITLED * place.agreement / 2 - FOREIGN * place.foreign
    if asked.personal and _YOU.search(statement.text):
        merit += PERSONAL
    if one_of_many:
        merit -= ONE_OF_MANY
    if statement.first and not statement.first.endswith(":"):
        merit -= LEANING
    if asked.form is not None and holds:
        best = asked.form.best is not None and asked.form.best.search(statement.text)
        merit += BEST if best else HELD
    return merit


def coverage(asked: Sequence[AskedTerm], places: Sequence[tuple[Terms, float]]) -> float:
    """The share of the question's weight that these terms cover, each place at its worth."""
    weight = sum(term.weight for term in asked) or 1.0
    return sum(term.weight * max(worth * term.held(terms) for terms, worth in places) for term in asked) / weight


def agreement(asked: Sequence[AskedTerm], heading: Terms) -> float:
    """How much a heading is the question: the harmonic mean of what each covers of the other."""
    if not heading:
        return 0.0
    recall = coverage(asked, [(heading, 1.0)])
    precision = sum(any(stem in term.stems for term in asked) for stem in heading) / len(heading)
    return 2 * recall * precision / (recall + precision) if recall and precision else 0.0


def with_contrary(best: Chosen, found: Sequence[Chosen], terms: Callable[[str], list[str]]) -> Chosen:
    """The best answer, with another page's that says the same with other numbers."""

    def worded(text: str) -> Terms:
        return frozenset(term for term in terms(text) if not term[0].isdigit())

    said, numbers = worded(best.text), set(_NUMBERS.findall(best.text))
    for other in found:
        words = worded(other.text)
        alike = len(said & words) / max(1, len(said | words))
        differs = numbers != set(_NUMBERS.findall(other.text)) and other.passage.page != best.passage.page
        if differs and alike >= SAME_WORDS and numbers:
            return msgspec.structs.replace(best, contrary=other)
    return best


def denies_another(statement: Statement, asked: Asked, heading: Terms) -> bool:
    """Whether it denies something of one thing, where its neighbours speak of the thing that is asked about."""
    if asked.negated or not is_negated(statement.text):
        return False
    content = [term for term in asked.terms if term.weight >= LEAST]
    return any(term.held(statement.own | heading) < SAID_HERE <= term.held(statement.near) for term in content)


def listed(chosen: Chosen) -> Chosen:
    """The first rows of a list whose heading is what is asked."""
    items = [block.text for block in chosen.passage.blocks if block.kind == "item"]
    if len(items) < 2 or not any(chosen.text in item for item in items):
        return chosen
    return msgspec.structs.replace(chosen, text="\n".join(items[:ROWS]))


def instruction(chosen: Chosen) -> Chosen:
    """The whole passage, when it is short: one step of several does not say how."""
    blocks = chosen.passage.blocks
    text = " ".join(block.text for block in blocks)
    if any(block.kind != "p" for block in blocks) or len(text) > WHOLE_CHARS or len(blocks) > 3:
        return chosen
    return msgspec.structs.replace(chosen, text=text)


def glance(said: Sequence[str]) -> str:
    """As many sentences as can be read at a glance."""
    text = ""
    for sentence in said:
        if text and len(text) + len(sentence) >= WHOLE_CHARS:
            break
        text = f"{text} {sentence}".strip()
    return text
