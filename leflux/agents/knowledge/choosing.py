"""Chooses the statement that answers a question, or none: a wrong answer is worse than none."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from leflux.agents.knowledge.forms import asks_for_oneself, asks_how, asks_what_is_offered, form_of, is_negated
from leflux.agents.knowledge.judging import (
    ABOUT,
    COVERED,
    DIRECT,
    FIRST,
    FOREIGN,
    HELD,
    NEGATED,
    RANKED,
    TITLED,
    Asked,
    Place,
    agreement,
    coverage,
    judge,
)
from leflux.agents.knowledge.lexicon import LEAST, Lexicon
from leflux.agents.knowledge.offers import Offer
from leflux.agents.knowledge.passages import Passage
from leflux.agents.knowledge.search import SearchIndex
from leflux.agents.knowledge.statements import Statement, Terms, sentences, statements
from leflux.agents.knowledge.term_sets import Scores

# The least weight of the words that are asked about: below it they are all over the site.
SUBSTANCE = 0.5
WHOLE_CHARS = 330
# On a site of more pages than this, nearly any words stand near each other somewhere.
MANY_PAGES = 100
SAID_HERE = 0.5
ROWS = 3
# How much a heading has to be the question: one that asks, and any.
ASKED_AGAIN, SAME = 0.6, 0.8
# A title that says what its page is about.
TITLE_WORDS, TITLE_COVERED = 4, 0.75
_YES_NO = ("yes", "no,", "no.", "ja", "nein", "oui", "non")
_OWN = re.compile(r"\b(?:we|our|us|you|your|offer|sold|sell|available|there (?:is|are))\b|^yes\b|[€$£]", re.I)


class Chosen(Struct, frozen=True):
    """The answer, with the passage that says so."""

    text: str
    passage: Passage
    score: float
    covered: float


class Chooser:
    """`offers`: the named things of the site. It reads only the passages that the search has found."""

    def __init__(self, index: SearchIndex, lexicon: Lexicon, offers: Sequence[Offer]) -> None:
        self._index = index
        self._lexicon = lexicon
        self._terms = index.words.terms
        self._cut: dict[int, list[Statement]] = {}
        self._names = {offer.key: offer for offer in offers}
        self._subject = {offer.page: offer for offer in offers if offer.section.level == 1}
        self._on_page = Counter(offer.page for offer in offers)

    def named(self, text: str) -> list[Offer]:
        """The things that a question names, each by all of its words."""
        said = frozenset(self._terms(text))
        found = [offer for key, offer in self._names.items() if key <= said]
        return [one for one in found if not any(one.key < other.key for other in found)]

    def choose(self, question: str, likeness: Scores | None = None) -> Chosen | None:
        """The best statement, if it is an answer. `likeness`: how close each passage is in meaning."""
        chosen = self._best(question, likeness)
        return chosen if chosen is not None and (likeness is not None or self._is_sure(chosen, question)) else None

    def _is_sure(self, chosen: Chosen, question: str) -> bool:
        """Whether a large site's answer, with its heading and title, holds every content word of the question."""
        if len(self._index.pages) <= MANY_PAGES:
            return True
        page, section = self._index.pages[chosen.passage.page], chosen.passage.section
        here = self._set(f"{chosen.text} {section.heading} {page.title}")
        return all(term.held(here) >= SAID_HERE for term in self._lexicon.asked(question) if term.weight >= LEAST)

    def _best(self, question: str, likeness: Scores | None) -> Chosen | None:
        terms = self._lexicon.asked(question)
        asked = Asked(
            terms,
            form_of(question),
            self.named(question),
            is_negated(question),
            asks_what_is_offered(question),
            asks_for_oneself(question),
        )
        if likeness is None and not any(term.known for term in terms):
            return None
        if likeness is None and not asked.named and sum(term.weight for term in terms) < SUBSTANCE:
            return None
        if (defined := self._defined(question, asked)) is not None:
            return defined
        found = [chosen for page in self._index.best_pages(question) for chosen in self._titled(page, asked)]
        for number, rank in self._index.candidates(question, likeness):
            close = float(likeness[number]) if likeness is not None else None
            found += self._read(number, rank, close, asked)
        best = max(found, key=lambda chosen: chosen.score, default=None)
        if best is None or asked.form is not None or asked.named:
            return best
        if asks_how(question):
            return _instruction(best)
        heading = self._set(best.passage.section.heading)
        return _listed(best) if agreement(asked.terms, heading) >= SAME else best

    def lead(self, page: int) -> Chosen | None:
        """What the page says first: the answer to its name alone."""
        for passage in (passage for passage in self._index.passages if passage.page == page):
            for block in passage.blocks:
                if block.kind == "p" and len(block.text.split()) > 4:
                    return Chosen(_whole(sentences(block.text)), passage, 1.0, 1.0)
        return None

    def _defined(self, question: str, asked: Asked) -> Chosen | None:
        """The definition of exactly what is asked."""
        if (number := self._index.defining(question)) is None:
            return None
        defined = [one for one in self._statements(number) if one.kind == "term" and one.first]
        found = max(defined, key=lambda one: coverage(asked.terms, [(self._set(one.first), 1.0)]), default=None)
        return None if found is None else Chosen(shown(found), self._index.passages[number], 2.0, 1.0)

    def _titled(self, page: int, asked: Asked) -> Iterator[Chosen]:
        """The title of a page that says in a few words what the page is about."""
        title = self._index.pages[page].title
        if asked.form is not None or asked.named or len(title.split()) < TITLE_WORDS or " — " not in title:
            return
        covered = coverage(asked.terms, [(self._set(title), 1.0)])
        passage = next((passage for passage in self._index.passages if passage.page == page), None)
        if covered < TITLE_COVERED or passage is None:
            return
        lead = self.lead(page)
        text = f"{title}. {lead.text}" if lead is not None and len(title) + len(lead.text) < WHOLE_CHARS else title
        yield Chosen(text, passage, covered + TITLED + RANKED, covered)

    def _read(self, number: int, rank: float, close: float | None, asked: Asked) -> Iterator[Chosen]:
        passage = self._index.passages[number]
        place = self._place(passage, rank, close, asked)
        yield from self._whole_section(number, passage, place, asked)
        for order, statement in enumerate(self._statements(number)):
            if not self._may_answer(statement, passage, place, asked):
                continue
            row = statement.kind == "row" and not asked.named and place.agreement < ASKED_AGAIN
            judged = judge(statement, place, asked, row and self._on_page[passage.page] > 1)
            if judged is None:
                continue
            # What is said first under a heading is most often what it is about.
            score = judged.score + FIRST / (1 + order)
            if asked.negated and is_negated(statement.text):
                score += NEGATED
            yield Chosen(self._introduced(statement, passage), passage, score, judged.covered)

    def _whole_section(self, number: int, passage: Passage, place: Place, asked: Asked) -> Iterator[Chosen]:
        """The whole passage under a heading that is the question, when it is short."""
        asks = passage.section.heading.endswith("?") or place.agreement >= SAME
        if not asks or place.agreement < ASKED_AGAIN or any(block.kind != "p" for block in passage.blocks):
            return
        text = " ".join(block.text for block in passage.blocks)
        text = text if len(text) <= WHOLE_CHARS else _whole(sentences(passage.blocks[0].text)) if passage.blocks else ""
        said = frozenset(term for statement in self._statements(number) for term in statement.own)
        covered = coverage(asked.terms, [(place.heading, 1.0), (said, 1.0), (place.about, ABOUT)]) + place.meant
        if not text or covered < COVERED or not self._is_about(asked.named, place, said):
            return
        if asked.form is not None and asked.form.strict and not asked.form.holds.search(text):
            return
        score = covered - FOREIGN * place.foreign + TITLED + RANKED * place.rank + DIRECT * place.agreement
        yield Chosen(text, passage, score + (HELD if asked.form is not None else 0.0), covered)

    def _may_answer(self, statement: Statement, passage: Passage, place: Place, asked: Asked) -> bool:
        """Whether it is said of what is asked about, and is neither a question, nor code, nor another one's answer."""
        if statement.text.endswith("?") or ">>>" in statement.text:
            return False
        if statement.text.casefold().startswith(_YES_NO) and place.agreement < ASKED_AGAIN:
            return False
        if not self._is_about(asked.named, place, statement.own, statement.near):
            return False
        return not asked.offered or self._is_offered(statement, passage, asked)

    def _is_about(self, named: list[Offer], place: Place, said: Terms, near: Terms = frozenset()) -> bool:
        """Whether it is said of everything that the question names, and its heading names nothing else."""
        if not named:
            return True
        if place.thing is not None and all(offer.key != place.thing for offer in named):
            return all(offer.key <= said for offer in named)
        around = said | place.heading | place.about
        if all(offer.key <= around for offer in named):
            return True
        others = [key for key in self._names if key <= near and all(key != offer.key for offer in named)]
        return not others and all(offer.key <= near for offer in named)

    def _is_offered(self, statement: Statement, passage: Passage, asked: Asked) -> bool:
        """Whether it is about what the site has, and does not only mention it."""
        if _OWN.search(statement.text) or statement.kind in ("row", "fact", "list"):
            return True
        page = self._index.pages[passage.page]
        main = max(asked.terms, key=lambda term: term.weight)
        listed = any(main.held(key) >= 0.9 for key in self._names)
        return listed or main.held(self._set(f"{page.title} {passage.section.heading}")) >= 0.5

    def _introduced(self, statement: Statement, passage: Passage) -> str:
        """The text behind the name of the thing that its page is about."""
        thing = self._subject.get(passage.page) if self._on_page[passage.page] == 1 else None
        text = shown(statement)
        return text if thing is None or thing.key <= statement.own else f"{thing.name} – {text}"

    def _statements(self, number: int) -> list[Statement]:
        if number not in self._cut:
            self._cut[number] = list(statements(self._index.passages[number], self._terms))
        return self._cut[number]

    def _set(self, text: str) -> Terms:
        return frozenset(self._terms(text))

    def _place(self, passage: Passage, rank: float, close: float | None, asked: Asked) -> Place:
        page = self._index.pages[passage.page]
        heading = self._set(passage.section.heading)
        first = next((section.heading for section in page.sections if section.heading), "")
        # A page of several things is about none of them.
        single = self._on_page[passage.page] <= 1 and len(first.split()) <= 6
        about = self._set(f"{page.title} {first if single else ''}")
        foreign = sum(not any(stem in term.stems for term in asked.terms) for stem in heading) / max(1, len(heading))
        return Place(
            heading=heading,
            about=about,
            page=self._index.page_terms(passage.page),
            agreement=agreement(asked.terms, heading),
            foreign=foreign,
            thing=heading if heading in self._names else None,
            rank=rank,
            close=close,
        )


def shown(statement: Statement) -> str:
    """The statement as it can be read alone."""
    if statement.kind == "row":
        return statement.text.replace("; ", " – ", 1)
    if statement.first.endswith(":"):
        return f"{statement.first} {statement.text}"
    both = f"{statement.first} {statement.text}".strip()
    return both if len(both) <= WHOLE_CHARS else statement.text


def _listed(chosen: Chosen) -> Chosen:
    """The first rows of a list whose heading is what is asked."""
    items = [block.text for block in chosen.passage.blocks if block.kind == "item"]
    if len(items) < 2 or not any(chosen.text in item for item in items):
        return chosen
    return msgspec.structs.replace(chosen, text="\n".join(items[:ROWS]))


def _instruction(chosen: Chosen) -> Chosen:
    """The whole passage, when it is short: one step of several does not say how."""
    blocks = chosen.passage.blocks
    text = " ".join(block.text for block in blocks)
    if any(block.kind != "p" for block in blocks) or len(text) > WHOLE_CHARS or len(blocks) > 3:
        return chosen
    return msgspec.structs.replace(chosen, text=text)


def _whole(said: Sequence[str]) -> str:
    """As many sentences as can be read at a glance."""
    text = ""
    for sentence in said:
        if text and len(text) + len(sentence) >= WHOLE_CHARS:
            break
        text = f"{text} {sentence}".strip()
    return text
