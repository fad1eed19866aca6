"""How well a statement answers a question. The limits were chosen on questions that are in no test."""

import re
from collections.abc import Sequence

from msgspec import Struct

from leflux.agents.knowledge.forms import Form
from leflux.agents.knowledge.lexicon import AskedTerm
from leflux.agents.knowledge.offers import Offer
from leflux.agents.knowledge.statements import Statement, Terms

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
