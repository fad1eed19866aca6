"""The index of one site: BM25 over passages, with what each page as a whole is about.

Pure CPU, built in a thread; nothing here changes after `Index.build`, so that any thread may search.
The weights were chosen on the first two sets of `bench/knowledge`; see docs/knowledge.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import bm25s
import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from leflux.agents import linkage
from leflux.agents.definitions import Definitions
from leflux.agents.expectation import expected
from leflux.agents.mentions import mentions
from leflux.agents.portions import is_label, portions
from leflux.agents.synonyms import ALIKE
from leflux.agents.term_sets import TermSets
from leflux.agents.titles import without_site_name
from leflux.agents.words import MAX_WORDS, Words
from leflux.site_pages import Block, Page, Section

HEADING_TIMES = 2
K1 = 1.2
B = 0.75
# Beside the best passage (1.0), how much these count: the page's subject, its whole text, what other pages say
# where they link it, the share of the question that its subject has, and how much other pages refer to it.
ABOUT = 0.4
WHOLE = 1.0
SAID = 0.5
FOCUS = 0.2
STANDING = 0.3
# A page that only lists links rarely answers anything.
DIRECTORY = 0.5
# A word of the question that the site never says, while it says one of the same meaning.
INSTEAD = 2.0
# A figure in a question is more often an example ("a date like 2023-05-01") than what the question is about.
FIGURE = 0.4
# A heading that is the question itself, and a passage that holds what the question's form asks for.
HEADED = 0.5
HEADED_FROM = 0.75
EXPECTED = 0.4
# A page that is called just what the question says.
NAMED = 0.3
# What defines just what is asked about is worth more than any passage that only speaks of it.
DEFINED = 2.0
HITS = 3
LOOKED_AT = 100

Scores = NDArray[np.float32]


class Passage(Struct, frozen=True):
    """Neighbouring blocks of one section. `terms` are those of its text, its headings and its page's title."""

    page: int
    section: Section
    blocks: Sequence[Block]
    terms: frozenset[int]


class Hit(Struct, frozen=True):
    """A page that may answer, with its best passage.

    Shares of the question's weight (the IDF of its words, unknown ones included), 0..1: `coverage` in the passage,
    `on_page` anywhere on the page, `focus` in what the page is about. `strength` is the BM25 score for that weight.
    `substance` is the weight itself, 1.0 being a word that the site says once; `rarity` is the mean IDF of its
    words, in nats.
    `exact`: the passage defines, or the page is called, just what is asked about.
    """

    page: Page
    passage: Passage
    score: float
    coverage: float
    on_page: float
    focus: float
    strength: float
    substance: float
    rarity: float
    exact: bool = False


class Sought(Struct, frozen=True):
    """A word of the question: the terms that it is found by, each with its share, and its weight."""

    terms: list[tuple[int, float]]
    weight: float

    def held(self, terms: frozenset[int]) -> float:
        """The weight that these terms account for."""
        return self.weight * max((share for term, share in self.terms if term in terms), default=0.0)


class Index:
    """Build with `Index.build`."""

    def __init__(self, pages: list[Page], words: Words) -> None:
        self.pages = pages
        self.words = words
        self._vocabulary: dict[str, int] = {}
        self._passages: list[Passage] = []
        names = linkage.names_of(pages)
        texts: list[list[int]] = []
        subjects: list[list[int]] = []
        wholes: list[list[int]] = []
        for number, page in enumerate(pages):
            cut = list(self._cut(number, page))
            self._passages += [passage for passage, _ in cut]
            texts += [ids for _, ids in cut]
            wholes.append([term for _, ids in cut for term in ids])
            subjects.append(self._subject(page, names.get(page.url, [])))
        said = [self._ids("\n".join(of_one)) for of_one in mentions(pages, names)]
        corpora = (texts, subjects, wholes, said)
        self._texts, self._subjects, self._wholes, self._said = (self._scorer(corpus) for corpus in corpora)
        self._in_subject = [frozenset(ids) for ids in subjects]
        self._in_page = [frozenset(ids) for ids in wholes]
        self._owner = np.array([passage.page for passage in self._passages], dtype=np.int64)
        self._idf = _idf(texts, len(self._vocabulary))
        self._subject_sets = TermSets(subjects, self._idf)
        self._headings = TermSets([self._known(passage.section.heading) for passage in self._passages], self._idf)
        self._definitions = Definitions(self._passages, self.words.terms)
        # The weight of a word that no passage holds: as if half a passage did.
        self._rarest = float(np.log1p(2 * len(texts) + 1))
        self._called: defaultdict[frozenset[str], list[int]] = defaultdict(list)
        for number, page in enumerate(pages):
            self._called[frozenset(words.terms(page.title))].append(number)
        self._standing = np.array(linkage.standing(pages), dtype=np.float32)
        self._factor = np.array([DIRECTORY if linkage.is_directory(page) else 1.0 for page in pages], dtype=np.float32)

    @classmethod
    def build(cls, pages: Iterable[Page]) -> "Index":
        """Takes seconds for thousands of passages: call it in a thread."""
        kept = without_site_name(sorted(pages, key=lambda page: page.url))
        langs = Counter(page.lang for page in kept if page.lang)
        return cls(kept, Words(langs.most_common(1)[0][0] if langs else "en"))

    def _scorer(self, corpus: list[list[int]]) -> bm25s.BM25 | None:
        """None for a corpus without a word, such as what pages say of each other on a site of one page."""
        if not any(corpus):
            return None
        scorer = bm25s.BM25(method="lucene", k1=K1, b=B)
        scorer.index((corpus, self._vocabulary), show_progress=False)
        return scorer

    def _ids(self, text: str) -> list[int]:
        known = self._vocabulary
        return [known.setdefault(term, len(known)) for term in self.words.terms(text)]

    def _subject(self, page: Page, names: list[str]) -> list[int]:
        """What the page is about: its title, what others call it, its description, headings and first words."""
        opening = [block.text for section in page.sections[:2] for block in section.blocks[:3] if block.kind == "p"]
        headings = [section.heading for section in page.sections[:40]]
        rest = "\n".join([*names, page.description, *headings, " ".join(opening)[:1_000]])
        return self._ids(page.title) * 3 + self._ids(rest)

    def _cut(self, number: int, page: Page) -> Iterator[tuple[Passage, list[int]]]:
        trail: list[Section] = []
        for section in page.sections:
            if is_label(section) and len(page.sections) > 1:
                continue
            trail = [above for above in trail if above.level < section.level]
            lead = self._ids("\n".join([page.title, *(above.heading for above in trail)]))
            if section.heading not in page.title:
                lead += self._ids(section.heading) * HEADING_TIMES
            trail.append(section)
            for blocks in portions(section.blocks):
                ids = self._ids("\n".join(block.text for block in blocks)) + lead
                yield Passage(number, section, blocks, frozenset(ids)), ids

    def search(self, question: str, hits: int = HITS) -> list[Hit]:
        """The best pages, best first; none when no word of the question is on the site."""
        terms = list(dict.fromkeys(self.words.terms(question)))[:MAX_WORDS]
        asked = [*map(self._sought, terms), *self._phrases(question)]
        if not any(sought.terms for sought in asked):
            return []
        passages = self._scores(self._texts, asked, len(self._passages))
        weight = sum(sought.weight for sought in asked)
        agreement = np.maximum(self._headings.agreement(asked) - HEADED_FROM, 0) / (1 - HEADED_FROM)
        passages += HEADED * weight * agreement
        passages += EXPECTED * weight * self._holding(question, passages)
        if (defining := self._definitions.find(question)) is not None:
            passages[defining] += DEFINED * weight
        best = np.zeros(len(self.pages), dtype=np.float32)
        np.maximum.at(best, self._owner, passages)
        scores = best + ABOUT * self._scores(self._subjects, asked, len(best))
        scores += WHOLE * self._scores(self._wholes, asked, len(best)) + SAID * self._scores(
            self._said, asked, len(best)
        )
        titles = self._titled(terms)
        scores += NAMED * weight * titles
        scores += FOCUS * self._subject_sets.said(asked)
        ranked = scores * (1 + STANDING * self._standing) * self._factor
        shown = [int(page) for page in np.argsort(-ranked, kind="stable")[:hits] if best[page] > 0]
        found = [self._hit(page, passages, float(scores[page]), asked) for page in shown]
        defined = None if defining is None else self._passages[defining]
        return [
            msgspec.structs.replace(hit, exact=hit.passage is defined or titles[page] > 0)
            for page, hit in zip(shown, found, strict=True)
        ]

    def _titled(self, terms: list[str]) -> Scores:
        """1 for each page whose title says the question's terms and no others."""
        titled = np.zeros(len(self.pages), dtype=np.float32)
        titled[self._called.get(frozenset(terms), [])] = 1
        return titled

    def best_block(self, passage: Passage, question: str) -> int:
        """Which block of the passage speaks most of the question."""
        asked = [self._sought(term) for term in dict.fromkeys(self.words.terms(question))]
        worth = [
            sum(sought.held(terms) for sought in asked)
            for terms in (frozenset(self._known(block.text)) for block in passage.blocks)
        ]
        return max(range(len(worth)), key=worth.__getitem__, default=0)

    def _known(self, text: str) -> Iterator[int]:
        return (self._vocabulary[term] for term in self.words.terms(text) if term in self._vocabulary)

    def _sought(self, term: str) -> Sought:
        own = self._vocabulary.get(term)
        others = self._others(self.words.synonyms.alike(term) if self.words.synonyms else {})
        if own is not None:
            share = FIGURE if term[0].isdigit() else 1.0
            return Sought([(own, 1.0), *others], share * float(self._idf[own]))
        instead = [(other, min(1.0, INSTEAD * share)) for other, share in others]
        unknown = self._unknown(term)
        return Sought(instead, (self._heaviest(others) + unknown) / 2 if others else unknown)

    def _others(self, alike: dict[str, float]) -> list[tuple[int, float]]:
        return [(self._vocabulary[term], share) for term, share in alike.items() if term in self._vocabulary]

    def _heaviest(self, others: list[tuple[int, float]]) -> float:
        return max((float(self._idf[other]) for other, _ in others), default=0.0)

    def _phrases(self, question: str) -> Iterator[Sought]:
        """A phrase adds to the score of what says it in a word; only one without a word of its own has a weight."""
        for phrase, alike in self.words.synonyms.phrases(question) if self.words.synonyms else ():
            others = self._others(alike)
            yield Sought(others, 0.0 if self.words.terms(phrase) else ALIKE * self._heaviest(others))

    def _holding(self, question: str, passages: Scores) -> Scores:
        """1 for each passage among the best that holds what the question's form asks for."""
        found = np.zeros(len(passages), dtype=np.float32)
        if (holds := expected(question)) is not None:
            for number in np.argsort(-passages, kind="stable")[:LOOKED_AT]:
                found[number] = any(holds.search(block.text) for block in self._passages[number].blocks)
        return found

    def _unknown(self, term: str) -> float:
        """A number that the site never says is an example; any other word may be the point of the question."""
        return 0.0 if term[0].isdigit() else self._rarest

    def _scores(self, scorer: bm25s.BM25 | None, asked: list[Sought], size: int) -> Scores:
        total = np.zeros(size, dtype=np.float32)
        if scorer is None:
            return total
        for sought in asked:
            found = np.zeros(size, dtype=np.float32)
            for term, share in sought.terms:
                np.maximum(found, share * scorer.get_scores_from_ids([term]), out=found)
            total += found
        return total

    def _hit(self, page: int, passages: Scores, score: float, asked: list[Sought]) -> Hit:
        own = np.flatnonzero(self._owner == page)
        passage = self._passages[int(own[np.argmax(passages[own])])]
        weight = sum(sought.weight for sought in asked) or 1.0

        def share(terms: frozenset[int]) -> float:
            return sum(sought.held(terms) for sought in asked) / weight

        return Hit(
            page=self.pages[page],
            passage=passage,
            score=score,
            coverage=share(passage.terms),
            on_page=share(self._in_page[page]),
            focus=share(self._in_subject[page]),
            strength=score / weight,
            substance=weight / self._rarest,
            rarity=weight / max(1, sum(sought.weight > 0 for sought in asked)),
        )


def _idf(texts: list[list[int]], size: int) -> Scores:
    frequency = np.zeros(size, dtype=np.float32)
    for ids in texts:
        frequency[list(set(ids))] += 1
    inverse: Scores = np.log1p((len(texts) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
    return inverse
