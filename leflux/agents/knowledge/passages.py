"""Passages of a site, and the words of a question that are looked for in them."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from leflux.agents.knowledge.term_sets import Scores
from leflux.sites.crawled_pages import Block, Section

PASSAGE_WORDS = 120
LABEL_WORDS = 4


def is_label(section: Section) -> bool:
    """Whether a section is a short label above the first heading, which answers nothing."""
    words = sum(len(block.text.split()) for block in section.blocks)
    return not section.heading and words < LABEL_WORDS and all(block.kind == "p" for block in section.blocks)


def portions(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Neighbouring blocks of about `PASSAGE_WORDS` words. A heading without text is a passage too."""
    portion: list[Block] = []
    words = 0
    for block in blocks:
        length = block.text.count(" ") + 1
        if portion and words + length > PASSAGE_WORDS:
            yield portion
            portion, words = [], 0
        portion.append(block)
        words += length
    yield portion


class Passage(Struct, frozen=True):
    """Neighbouring blocks of one section of a page."""

    page: int
    section: Section
    blocks: Sequence[Block]


class SearchQuery(Struct, frozen=True):
    """A word of the question: its search terms, each with its share, and its weight."""

    terms: list[tuple[int, float]]
    weight: float

    def held(self, terms: frozenset[int]) -> float:
        """The part of the weight that these terms cover."""
        return self.weight * max((share for term, share in self.terms if term in terms), default=0.0)


def inverse_frequency(texts: Sequence[Sequence[int]], size: int) -> Scores:
    """How rare each term is: the inverse document frequency over the passages."""
    frequency = np.zeros(size, dtype=np.float32)
    for ids in texts:
        frequency[list(set(ids))] += 1
    inverse: Scores = np.log1p((len(texts) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
    return inverse
