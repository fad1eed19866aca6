"""The statements of a site: sentences, table rows, properties and short lists, each with what it is said about."""

import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from leflux.agents.knowledge.passages import Passage
from leflux.sites.crawled_pages import Block

Terms = frozenset[str]
SHORT_ITEM_WORDS = 4
MAX_LISTED = 12
DEFINITION_CHARS = 320
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)]?\s+(?=[\"“‘(`]?[A-ZÀ-Þ0-9`])|(?<=[。！？])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|approx|no|nr|st|mr|mrs|dr|vs|ca|z\.B|bzw|incl)|\b[A-Z])\.$", re.I)
_ANAPHOR = re.compile(r"(?:it|its|they|their|this|these|that|those|both|he|she|otherwise|if not|later|then)\b", re.I)


class Statement(Struct, frozen=True):
    """One thing that the site says. `own`: its terms; `near`: those of the rest of its block; `first`: the sentence
    that must be read before it, or nothing.
    """

    text: str
    own: Terms
    near: Terms
    first: str = ""
    kind: str = "p"


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph. A full stop in an abbreviation ends none."""
    pieces: list[str] = []
    for piece in _SENTENCE_END.split(text):
        if pieces and (_ABBREVIATION.search(pieces[-1]) or pieces[-1].count("`") % 2):
            pieces[-1] += " " + piece
        elif piece.strip():
            pieces.append(piece.strip())
    return pieces


def statements(passage: Passage, terms: Callable[[str], list[str]]) -> Iterator[Statement]:
    """What the passage says, in order."""
    blocks = list(passage.blocks)
    place = 0
    while place < len(blocks):
        block = blocks[place]
        listed = _short_items(blocks[place:])
        if len(listed) > 1:
            text = f"{passage.section.heading}: {', '.join(listed)}" if passage.section.heading else ", ".join(listed)
            yield Statement(text, frozenset(terms(text)), frozenset(), kind="list")
            place += len(listed)
        elif block.kind == "term":
            place += 1
            yield from _definition(block, blocks[place : place + 1], terms)
        else:
            if block.kind != "code":
                yield from _spoken(block, terms)
            place += 1


def _short_items(blocks: Sequence[Block]) -> list[str]:
    listed: list[str] = []
    for block in blocks[: MAX_LISTED + 1]:
        if block.kind != "item" or len(block.text.split()) > SHORT_ITEM_WORDS:
            break
        listed.append(block.text)
    return listed if len(listed) <= MAX_LISTED else []


def _definition(term: Block, following: Sequence[Block], terms: Callable[[str], list[str]]) -> Iterator[Statement]:
    """A defined term with the first sentences of its definition."""
    named = term.text
    for block in following:
        if block.kind in ("p", "item"):
            said = sentences(block.text)
            own = frozenset(terms(named)) | frozenset(terms(said[0]))
            both = " ".join(said[:2])
            text = both if len(both) + len(named) <= DEFINITION_CHARS else said[0]
            yield Statement(text, own, frozenset(terms(block.text)), f"{named}:", "term")
            return
    yield Statement(named, frozenset(terms(named)), frozenset(), kind="term")


def _spoken(block: Block, terms: Callable[[str], list[str]]) -> Iterator[Statement]:
    if block.kind in ("row", "fact"):
        yield Statement(block.text, frozenset(terms(block.text)), frozenset(), kind=block.kind)
        return
    said = sentences(block.text)
    near = frozenset(terms(block.text))
    for number, sentence in enumerate(said):
        first = said[number - 1] if number and _ANAPHOR.match(sentence) else ""
        yield Statement(sentence, frozenset(terms(sentence)), near, first, block.kind)
