"""Definitions on the site: the best answer to "what is …?" is the entry of a glossary."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from leflux.sites.crawled_pages import Block

_ASKS = re.compile(
    r"\s*(?:(?:what|who)(?:['’]s| is| are)|define|explain|(?:the )?meaning of"
    r"|(?:was|wer) (?:ist|sind)|qu['’]est[- ]ce qu|(?:qué|quién) (?:es|son))\b",
    re.IGNORECASE,
)


class DefinitionSource(Protocol):
    @property
    def blocks(self) -> Sequence[Block]: ...


class Definitions:
    """`terms(text)`: the search terms of a text. The first of several definitions of a term counts."""

    def __init__(self, passages: Iterable[DefinitionSource], terms: Callable[[str], Iterable[str]]) -> None:
        self._terms = terms
        self._defined: dict[frozenset[str], int] = {}
        for number, passage in enumerate(passages):
            for block in passage.blocks:
                if block.kind == "term" and (defined := frozenset(terms(block.text))):
                    self._defined.setdefault(defined, number)

    def find(self, question: str) -> int | None:
        """The number of the passage that defines exactly what is asked, or None."""
        asks = _ASKS.match(question)
        return None if asks is None else self._defined.get(frozenset(self._terms(question[asks.end() :])))
