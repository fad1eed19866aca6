"""Short texts as sets of terms: how much of a question each one covers, and how much else it has."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


class TermQuery(Protocol):
    @property
    def terms(self) -> list[tuple[int, float]]: ...
    @property
    def weight(self) -> float: ...


class TermSets:
    """`idf`: the weight of each term. An empty set covers nothing."""

    def __init__(self, sets: Sequence[Iterable[int]], idf: Scores) -> None:
        self._idf = idf
        self._total = np.zeros(len(sets), dtype=np.float32)
        having: defaultdict[int, list[int]] = defaultdict(list)
        for number, terms in enumerate(sets):
            for term in set(terms):
                having[term].append(number)
                self._total[number] += idf[term]
        self._having = {term: np.array(numbers, dtype=np.int64) for term, numbers in having.items()}

    def said(self, asked: Sequence[TermQuery]) -> Scores:
        """For each set, the weight of the question's words in it."""
        return self._sum(asked, lambda sought, _: sought.weight)

    def agreement(self, asked: Sequence[TermQuery]) -> Scores:
        """For each set, the harmonic mean of the covered share of the question and the asked share of the set, 0..1."""
        recall = self.said(asked) / (sum(sought.weight for sought in asked) or 1.0)
        own = self._sum(asked, lambda _, term: float(self._idf[term]))
        precision = np.minimum(own / np.maximum(self._total, 1e-6), 1.0)
        harmonic: Scores = 2 * recall * precision / np.maximum(recall + precision, 1e-6)
        return harmonic

    def _sum(self, asked: Sequence[TermQuery], worth: Callable[[TermQuery, int], float]) -> Scores:
        total = np.zeros(len(self._total), dtype=np.float32)
        for sought in asked:
            best = np.zeros(len(total), dtype=np.float32)
            for term, share in sought.terms:
                if (numbers := self._having.get(term)) is not None:
                    best[numbers] = np.maximum(best[numbers], share * worth(sought, term))
            total += best
        return total
