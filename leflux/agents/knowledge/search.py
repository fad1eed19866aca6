"""The search index of one site: BM25 over passages, combined with the subject of each page.

It only uses the CPU and is built in a thread. It does not change after `SearchIndex.build`, so any thread may search.
The weights were chosen on the first two sets of `bench/knowledge`: see docs/knowledge.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

import bm25s
import numpy as np
from msgspec import Struct

from leflux.agents.knowledge import linkage
from leflux.agents.knowledge.definitions import Definitions
from leflux.agents.knowledge.forms import form_of
from leflux.agents.knowledge.mentions import mentions
from leflux.agents.knowledge.passages import Passage, SearchQuery, inverse_frequency, is_label, portions
from leflux.agents.knowledge.repeated import without_repetitions
from leflux.agents.knowledge.synonyms import ALIKE
from leflux.agents.knowledge.term_sets import Scores, TermSets
from leflux.agents.knowledge.titles import without_site_name
from leflux.agents.knowledge.words import MAX_WORDS, Words
from leflux.sites.crawled_pages import CrawledPage, Section

HEADING_TIMES = 2
K1 = 1.2
B = 0.75
# Weights relative to the best passage (1.0): the page's subject, its whole text, the paragraphs that link it,
# the share of the question in its subject, and how often other pages link it.
ABOUT = 0.4
WHOLE = 1.0
SAID = 0.5
FOCUS = 0.2
STANDING = 0.3
# A page that only lists links rarely answers anything.
DIRECTORY = 0.5
# A synonym of a word that the site does not use.
INSTEAD = 2.0
# A figure in a question is more often an example ("a date like 2023-05-01") than its subject.
FIGURE = 0.4
# A heading that is the question itself, and a passage with what the form of the question expects.
HEADED = 0.5
HEADED_FROM = 0.75
EXPECTED = 0.4
# A page whose name is exactly the question.
NAMED = 0.3
# A definition of exactly what is asked counts more than any passage that mentions it.
DEFINED = 2.0
HITS = 3
LOOKED_AT = 100
# How many passages are read for an answer, and the weight of their page.
CANDIDATES = 24
PAGE = 0.4
# The weight of the best cosine beside the words.
MEANING = 1.5


class Hit(Struct, frozen=True):
    """A page that may answer. `on_page`: the share of the question's weight that is anywhere on it, 0..1."""

    page: CrawledPage
    score: float
    on_page: float


class _Ranking(Struct, frozen=True):
    """The scores of one question: of all pages, of all passages, and of the best passage of each page."""

    pages: Scores
    passages: Scores
    best: Scores
    asked: list[SearchQuery]


class SearchIndex:
    """Build it with `SearchIndex.build`."""

    def __init__(self, pages: list[CrawledPage], words: Words) -> None:
        self.pages = pages
        self.words = words
        self._vocabulary: dict[str, int] = {}
        self.passages: list[Passage] = []
        names = linkage.names_of(pages)
        texts: list[list[int]] = []
        subjects: list[list[int]] = []
        wholes: list[list[int]] = []
        for number, page in enumerate(pages):
            cut = list(self._cut(number, page))
            self.passages += [passage for passage, _ in cut]
            texts += [ids for _, ids in cut]
            wholes.append([term for _, ids in cut for term in ids])
            subjects.append(self._subject(page, names.get(page.url, [])))
        said = [self._ids("\n".join(of_one)) for of_one in mentions(pages, names)]
        corpora = (texts, subjects, wholes, said)
        self._texts, self._subjects, self._wholes, self._said = (self._scorer(corpus) for corpus in corpora)
        self._spelled = list(self._vocabulary)
        self._in_page = [frozenset(ids) for ids in wholes]
        self._page_of = np.array([passage.page for passage in self.passages], dtype=np.int64)
        self._idf = inverse_frequency(texts, len(self._vocabulary))
        self._subject_sets = TermSets(subjects, self._idf)
        self._headings = TermSets([self._known(passage.section.heading) for passage in self.passages], self._idf)
        self._definitions = Definitions(self.passages, self.words.terms)
        # The weight of an unknown word: as if half a passage had it.
        self._rarest = float(np.log1p(2 * len(texts) + 1))
        self._most = float(self._idf.max()) if len(self._idf) else 1.0
        self._called: defaultdict[frozenset[str], list[int]] = defaultdict(list)
        for number, page in enumerate(pages):
            self._called[frozenset(words.terms(page.title))].append(number)
        self._standing = np.array(linkage.standing(pages), dtype=np.float32)
        self._factor = np.array([DIRECTORY if linkage.is_directory(page) else 1.0 for page in pages], dtype=np.float32)

    @classmethod
    def build(cls, pages: Iterable[CrawledPage]) -> "SearchIndex":
        """Takes seconds for thousands of passages: call it in a thread."""
        kept = without_repetitions(without_site_name(sorted(pages, key=lambda page: page.url)))
        langs = Counter(page.lang for page in kept if page.lang)
        return cls(kept, Words(langs.most_common(1)[0][0] if langs else "en"))

    def _scorer(self, corpus: list[list[int]]) -> bm25s.BM25 | None:
        """The BM25 index, or None for a corpus without words."""
        if not any(corpus):
            return None
        scorer = bm25s.BM25(method="lucene", k1=K1, b=B)
        scorer.index((corpus, self._vocabulary), show_progress=False)
        return scorer

    def _ids(self, text: str) -> list[int]:
        known = self._vocabulary
        return [known.setdefault(term, len(known)) for term in self.words.terms(text)]

    def _subject(self, page: CrawledPage, names: list[str]) -> list[int]:
        """The subject of the page: its title, link texts, description, headings and first words."""
        opening = [block.text for section in page.sections[:2] for block in section.blocks[:3] if block.kind == "p"]
        headings = [section.heading for section in page.sections[:40]]
        rest = "\n".join([*names, page.description, *headings, " ".join(opening)[:1_000]])
        return self._ids(page.title) * 3 + self._ids(rest)

    def _cut(self, number: int, page: CrawledPage) -> Iterator[tuple[Passage, list[int]]]:
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
                yield Passage(number, section, blocks), ids

    def search(self, question: str, hits: int = HITS) -> list[Hit]:
        """The best pages, best first. Empty when no word of the question is on the site."""
        if (ranking := self._rank(question)) is None:
            return []
        weight = sum(sought.weight for sought in ranking.asked) or 1.0
        return [
            Hit(
                self.pages[page],
                float(ranking.pages[page]),
                sum(sought.held(self._in_page[page]) for sought in ranking.asked) / weight,
            )
            for page in self.best_pages(question, hits)
        ]

    def candidates(
        self, question: str, likeness: Scores | None = None, limit: int = CANDIDATES
    ) -> list[tuple[int, float]]:
        """The numbers of the passages that may answer, best first, each with its share of the best one's score.

        `likeness`: the cosine of the question with each passage. Words and meaning are added, each on its own scale.
        """
        ranking = self._rank(question)
        if ranking is None and likeness is None:
            return []
        scores = np.zeros(len(self.passages), dtype=np.float32)
        if ranking is not None:
            scores = ranking.passages + PAGE * ranking.pages[self._page_of]
            scores /= max(float(scores.max()), 1e-6)
        if likeness is not None:
            scores = scores + MEANING * likeness
            order = np.argsort(-scores, kind="stable")[:limit]
            return [(int(number), float(scores[number] / (1 + MEANING))) for number in order]
        assert ranking is not None
        order = np.argsort(-scores, kind="stable")[:limit]
        most = float(scores[order[0]]) or 1.0
        return [(int(number), float(scores[number]) / most) for number in order if ranking.passages[number] > 0]

    def best_pages(self, question: str, limit: int = HITS) -> list[int]:
        """The numbers of the pages that are most likely about the question, best first."""
        if (ranking := self._rank(question)) is None:
            return []
        return [int(page) for page in np.argsort(-ranking.pages, kind="stable")[:limit] if ranking.best[page] > 0]

    @lru_cache(maxsize=64)  # noqa: B019 - lives as long as the index
    def _rank(self, question: str) -> "_Ranking | None":
        terms = list(dict.fromkeys(self.words.terms(question)))[:MAX_WORDS]
        asked = [*map(self._sought, terms), *self._phrases(question)]
        if not any(sought.terms for sought in asked):
            return None
        passages = self._scores(self._texts, asked, len(self.passages))
        weight = sum(sought.weight for sought in asked)
        agreement = np.maximum(self._headings.agreement(asked) - HEADED_FROM, 0) / (1 - HEADED_FROM)
        passages += HEADED * weight * agreement
        passages += EXPECTED * weight * self._holding(question, passages)
        if (defining := self._definitions.find(question)) is not None:
            passages[defining] += DEFINED * weight
        best = np.zeros(len(self.pages), dtype=np.float32)
        np.maximum.at(best, self._page_of, passages)
        scores = best + ABOUT * self._scores(self._subjects, asked, len(best))
        scores += WHOLE * self._scores(self._wholes, asked, len(best)) + SAID * self._scores(
            self._said, asked, len(best)
        )
        scores += NAMED * weight * self._titled(terms)
        scores += FOCUS * self._subject_sets.said(asked)
        return _Ranking(scores * (1 + STANDING * self._standing) * self._factor, passages, best, asked)

    def page_terms(self, page: int) -> frozenset[str]:
        """Every term of a page."""
        return frozenset(self._spelled[number] for number in self._in_page[page])

    def defining(self, question: str) -> int | None:
        """The passage that defines exactly what is asked."""
        return self._definitions.find(question)

    def referred(self, question: str) -> tuple[int, str] | None:
        """The reference entry that a question names: its passage and its name."""
        return self._definitions.referred(question)

    def titled(self, question: str) -> int | None:
        """The only page whose title is exactly the question."""
        found = self._called.get(frozenset(self.words.terms(question)), [])
        return found[0] if len(found) == 1 and self.words.terms(question) else None

    def rarity(self, stem: str) -> float | None:
        """How rare a term is on the site, 0..1; None when the site does not use it."""
        number = self._vocabulary.get(stem)
        return None if number is None or not self._idf[number] else min(1.0, float(self._idf[number]) / self._most)

    def _titled(self, terms: list[str]) -> Scores:
        """1 for each page whose title has the terms of the question and no others."""
        titled = np.zeros(len(self.pages), dtype=np.float32)
        titled[self._called.get(frozenset(terms), [])] = 1
        return titled

    def _known(self, text: str) -> Iterator[int]:
        return (self._vocabulary[term] for term in self.words.terms(text) if term in self._vocabulary)

    def _sought(self, term: str) -> SearchQuery:
        own = self._vocabulary.get(term)
        others = self._others(self.words.synonyms.alike(term) if self.words.synonyms else {})
        if own is not None:
            share = FIGURE if term[0].isdigit() else 1.0
            return SearchQuery([(own, 1.0), *others], share * float(self._idf[own]))
        instead = [(other, min(1.0, INSTEAD * share)) for other, share in others]
        unknown = self._unknown(term)
        return SearchQuery(instead, (self._heaviest(others) + unknown) / 2 if others else unknown)

    def _others(self, alike: dict[str, float]) -> list[tuple[int, float]]:
        return [(self._vocabulary[term], share) for term, share in alike.items() if term in self._vocabulary]

    def _heaviest(self, others: list[tuple[int, float]]) -> float:
        return max((float(self._idf[other]) for other, _ in others), default=0.0)

    def _phrases(self, question: str) -> Iterator[SearchQuery]:
        """Let a phrase add to the score of a single word that means the same."""
        for phrase, alike in self.words.synonyms.phrases(question) if self.words.synonyms else ():
            others = self._others(alike)
            yield SearchQuery(others, 0.0 if self.words.terms(phrase) else ALIKE * self._heaviest(others))

    def _holding(self, question: str, passages: Scores) -> Scores:
        """1 for each passage among the best that has what the form of the question expects."""
        found = np.zeros(len(passages), dtype=np.float32)
        if (form := form_of(question)) is not None:
            for number in np.argsort(-passages, kind="stable")[:LOOKED_AT]:
                found[number] = any(form.holds.search(block.text) for block in self.passages[number].blocks)
        return found

    def _unknown(self, term: str) -> float:
        """The weight of an unknown word. An unknown number is an example; another word may be the subject."""
        return 0.0 if term[0].isdigit() else self._rarest

    def _scores(self, scorer: bm25s.BM25 | None, asked: list[SearchQuery], size: int) -> Scores:
        total = np.zeros(size, dtype=np.float32)
        if scorer is None:
            return total
        for sought in asked:
            found = np.zeros(size, dtype=np.float32)
            for term, share in sought.terms:
                np.maximum(found, share * scorer.get_scores_from_ids([term]), out=found)
            total += found
        return total
