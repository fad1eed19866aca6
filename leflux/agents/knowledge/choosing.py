"""Chooses the statement that answers a question, or none: a wrong answer is worse than none."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from leflux.agents.knowledge.forms import asks_how, is_negated, numbers_agree
from leflux.agents.knowledge.judging import (
    ABOUT,
    COVERED,
    DIRECT,
    FIRST,
    FOREIGN,
    HELD,
    NEGATED,
    RANKED,
    SAID_HERE,
    TITLED,
    Asked,
    Chosen,
    Place,
    agreement,
    coverage,
    denies_another,
    glance,
    instruction,
    judge,
    listed,
    with_contrary,
)
from leflux.agents.knowledge.lexicon import LEAST, Lexicon
from leflux.agents.knowledge.offers import Offer
from leflux.agents.knowledge.passages import Passage
from leflux.agents.knowledge.search import SearchIndex
from leflux.agents.knowledge.statements import (
    WHOLE_CHARS,
    Statement,
    Terms,
    is_no_prose,
    is_open,
    references,
    sentences,
    shown,
    statements,
)
from leflux.agents.knowledge.term_sets import Scores

# The least weight of the words that are asked about: below it they are all over the site.
SUBSTANCE = 0.5
# On a site of more pages than this, nearly any words stand near each other somewhere.
MANY_PAGES = 100
# How much a heading has to be the question: one that asks, and any.
ASKED_AGAIN, SAME = 0.6, 0.8
# A title that says what its page is about.
TITLE_WORDS, TITLE_COVERED = 4, 0.75
# How many portions of a reference entry are read, and how much of what is asked beside its name one statement covers.
MAX_PORTIONS, ENTRY_COVERED = 8, 0.45
# Within so many words a sentence names what it explains.
EXPLAINED_WORDS = 6
# A glossary entry that only names another one; a sentence that speaks of its page.
_SEE = re.compile(r": See (?:also )?(?:the )?([^.]{2,60})\.?$")
_THIS_PAGE = re.compile(r"(?:this|the) (?:module|page|section|package|library|chapter|document|guide)\b", re.I)
_ASKS_ALL = re.compile(r"\W*what (?:is|are|does|do)\b(?: \S+){1,3}$", re.I)
_YES_NO = ("yes", "no,", "no.", "ja", "nein", "oui", "non")
_OWN = re.compile(r"\b(?:we|our|us|you|your|offer|sold|sell|available|there (?:is|are))\b|^yes\b|[€$£]", re.I)


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
        self._of = references(index.passages)
        self._is_large = len(index.pages) > MANY_PAGES

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
        if not self._is_large:
            return True
        page, section = self._index.pages[chosen.passage.page], chosen.passage.section
        here = self._set(f"{chosen.text} {section.heading} {page.title}")
        return all(term.held(here) >= SAID_HERE for term in self._lexicon.asked(question) if term.weight >= LEAST)

    def _best(self, question: str, likeness: Scores | None) -> Chosen | None:
        terms = self._lexicon.asked(question)
        asked = Asked.read(question, terms, self.named(question))
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
        if best is not None and asked.form is None and asks_how(question):
            return instruction(best)
        if best is None or asked.form is not None or asked.named:
            return best and with_contrary(best, found, self._terms)
        heading = self._set(best.passage.section.heading)
        return listed(best) if agreement(asked.terms, heading) >= SAME else best

    def lead(self, page: int) -> Chosen | None:
        """What the page says first: the answer to its name alone."""
        for passage in (passage for passage in self._index.passages if passage.page == page):
            for block in passage.blocks:
                if block.kind == "p" and len(block.text.split()) > 4 and not is_no_prose(block.text):
                    return Chosen(glance(sentences(block.text)), passage, 1.0, 1.0)
        return None

    def _defined(self, question: str, asked: Asked) -> Chosen | None:
        """The definition of exactly what is asked, or what the reference says of the name in the question."""
        found = self._definition(question)
        if found is None:
            return self._entry(question, asked)
        other = _SEE.search(found.text)
        return (self._definition(f"what is {other[1]}") if other else None) or found

    def _definition(self, question: str) -> Chosen | None:
        if (number := self._index.defining(question)) is None:
            return None
        defined = [one for one in self._statements(number) if one.kind == "term" and one.first]
        terms = self._lexicon.asked(question)
        found = max(defined, key=lambda one: coverage(terms, [(self._set(one.first), 1.0)]), default=None)
        return None if found is None else Chosen(shown(found), self._index.passages[number], 2.0, 1.0)

    def _entry(self, question: str, asked: Asked) -> Chosen | None:
        """What the reference says of the name in the question: of what more is asked, else first."""
        if (found := self._index.referred(question)) is None:
            return None
        number, name = found
        numbers = [number]
        while numbers[-1] + 1 < len(self._of) and self._of[numbers[-1] + 1] == name and len(numbers) < MAX_PORTIONS:
            numbers.append(numbers[-1] + 1)
        said = [
            (one, each) for each in numbers for one in self._statements(each) if one.of == name and not is_open(one)
        ]
        rest = [term for term in asked.terms if not term.held(self._set(name.replace(".", " ")))]
        if not said:
            return None
        covered = [coverage(rest, [(one.own, 1.0)]) if rest else 0.0 for one, _ in said]
        best = max(range(len(said)), key=lambda place: (covered[place], -place))
        if rest and covered[best] < ENTRY_COVERED:
            best = 0 if _ASKS_ALL.match(question) else -1
        if best < 0:
            return None
        return Chosen(shown(said[best][0]), self._index.passages[said[best][1]], 2.0, 1.0)

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
        if any(is_no_prose(block.text) for block in passage.blocks) or not numbers_agree(
            asked.text, passage.section.heading
        ):
            return
        text = " ".join(block.text for block in passage.blocks)
        text = text if len(text) <= WHOLE_CHARS else glance(sentences(passage.blocks[0].text)) if passage.blocks else ""
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
        if statement.text.endswith("?") or is_open(statement):
            return False
        if statement.leans and place.agreement < ASKED_AGAIN:
            return False
        if not numbers_agree(asked.text, f"{passage.section.heading} {shown(statement)}"):
            return False
        if denies_another(statement, asked, place.heading):
            return False
        if self._is_large and asked.explains and not self._explains(statement, passage, asked):
            return False
        if statement.text.casefold().startswith(_YES_NO) and place.agreement < ASKED_AGAIN:
            return False
        if not self._is_about(asked.named, place, statement.own, statement.near):
            return False
        return not asked.offered or self._is_offered(statement, passage, asked)

    def _explains(self, statement: Statement, passage: Passage, asked: Asked) -> bool:
        """Whether it says what the thing is: an entry, or a sentence that begins with it. Many pages mention it."""
        if statement.kind == "term":
            return all(term.held(self._set(statement.first)) >= SAID_HERE for term in asked.terms)
        begins = self._set(" ".join(statement.text.split()[:EXPLAINED_WORDS]))
        return all(term.held(begins) >= SAID_HERE for term in asked.terms if term.weight >= LEAST)

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
        if self._is_large and _THIS_PAGE.match(text):
            return f"{self._index.pages[passage.page].title}: {text}"
        return text if thing is None or thing.key <= statement.own else f"{thing.name} – {text}"

    def _statements(self, number: int) -> list[Statement]:
        if number not in self._cut:
            self._cut[number] = list(statements(self._index.passages[number], self._terms, self._of[number]))
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
