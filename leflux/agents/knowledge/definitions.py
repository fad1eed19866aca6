"""Definitions on the site: the best answer to "what is …?" is the entry of a glossary."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from leflux.agents.knowledge.statements import referenced
from leflux.sites.crawled_pages import Block

_ASKS = re.compile(
    r"\s*(?:what (?:does|do)(?= .* (?:do|mean)\W*$)|(?:what|who)(?:['’]s| is| are)|define|explain|(?:the )?meaning of"
    r"|(?:was|wer) (?:ist|sind)|qu['’]est[- ]ce qu|(?:qué|quién) (?:es|son))\b",
    re.IGNORECASE,
)


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+|\w*_\w+|\w+(?=\(\))|[a-z]+[A-Z]\w*")
_DOES = re.compile(
    r"\W*what (?:does|do) (?:the )?(?P<name>\w+)(?: \w+)?\W* (?:do|does|return|raise|mean|remove|give)s?\b", re.I
)


class DefinitionSource(Protocol):
    @property
    def blocks(self) -> Sequence[Block]: ...


class Definitions:
    """`terms(text)`: the search terms of a text. The first of several definitions of a term counts."""

    def __init__(self, passages: Iterable[DefinitionSource], terms: Callable[[str], Iterable[str]]) -> None:
        self._terms = terms
        self._defined: dict[frozenset[str], int] = {}
        self._names: dict[str, tuple[int, str] | None] = {}
        for number, passage in enumerate(passages):
            for block in passage.blocks:
                if block.kind == "term" and (defined := frozenset(terms(block.text))):
                    self._defined.setdefault(defined, number)
                    if name := referenced(block.text):
                        self._name(name, number)

    def _name(self, name: str, number: int) -> None:
        """Known by its whole name, and by each end of it that is no other entry's: `shutil.rmtree`, `rmtree`."""
        self._names[name] = self._names.get(name) or (number, name)
        end = name
        while "." in end:
            end = end.partition(".")[2]
            held = self._names.get(end, (number, name))
            # A whole name goes before another one's end; two ends name neither.
            self._names[end] = held if held is not None and held[1] in (end, name) else None

    def find(self, question: str) -> int | None:
        """The number of the passage that defines exactly what is asked, or None."""
        asks = _ASKS.match(question)
        return None if asks is None else self._defined.get(frozenset(self._terms(question[asks.end() :])))

    def referred(self, question: str) -> tuple[int, str] | None:
        """The reference entry whose name stands in the question: its passage, and its whole name. A plain word counts
        as a name only where the question is what that does.
        """
        for word in _IDENTIFIER.findall(question):
            if (found := self._names.get(word)) is not None:
                return found
        does = _DOES.match(question)
        return None if does is None else self._names.get(does["name"])
