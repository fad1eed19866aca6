"""What the site itself defines: a glossary's term is the best answer to "what is …?"."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from leflux.site_pages import Block

_ASKS = re.compile(
    r"\s*(?:(?:what|who)(?:['’]s| is| are)|define|explain|(?:the )?meaning of"
    r"|(?:was|wer) (?:ist|sind)|qu['’]est[- ]ce qu|(?:qué|quién) (?:es|son))\b",
    re.IGNORECASE,
)


class Passage(Protocol):
    @property
    def blocks(self) -> Sequence[Block]: ...


class Definitions:
    """`terms(text)`: what the text is found by. Of several definitions of one term the first counts."""

    def __init__(self, passages: Iterable[Passage], terms: Callable[[str], Iterable[str]]) -> None:
        self._terms = terms
        self._defined: dict[frozenset[str], int] = {}
        for number, passage in enumerate(passages):
            for block in passage.blocks:
                if block.kind == "term" and (defined := frozenset(terms(block.text))):
                    self._defined.setdefault(defined, number)

    def find(self, question: str) -> int | None:
        """The number of the passage that defines what is asked about, and nothing else."""
        asks = _ASKS.match(question)
        return None if asks is None else self._defined.get(frozenset(self._terms(question[asks.end() :])))
