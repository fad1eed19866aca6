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
WHOLE_CHARS = 330
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)]?\s+(?=[\"“‘(`]?[A-ZÀ-Þ0-9`])|(?<=[。！？])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|approx|no|nr|st|mr|mrs|dr|vs|ca|z\.B|bzw|incl)|(?<![°\w])[A-Z])\.$", re.I
)
_ANAPHOR = re.compile(r"(?:it|its|they|their|this|these|that|those|both|he|she|otherwise|if not|later|then)\b", re.I)


# The name at the beginning of a signature: `class json. JSONEncoder ( … )`, `exception KeyError`, `os. sep`.
_SIGNATURE = re.compile(
    r"(?P<kind>(?:class|exception|async|classmethod|staticmethod|abstractmethod) )*"
    r"(?P<name>[A-Za-z_]\w*(?:\. ?\w+)*)(?P<call> ?\()?"
)
# Program text that is not marked as such, notes about versions, and the place of a source file.
_NO_PROSE = re.compile(
    r"(?:^|\s)(?:import \w+ |from \w[\w.]* import |def \w+ ?\(|\w+ = \w+ ?[.(])|^(?:source code|new in version"
    r"|changed in version|deprecated since|availability):?(?: |$)|>>>|[{};]\s*$",
    re.I,
)


class Statement(Struct, frozen=True):
    """One thing that the site says. `own`: its terms; `near`: those of the rest of its block; `first`: the sentence
    that must be read before it, or nothing. `leans`: it refers to what stands before its block. `of`: the name in the
    reference that it is said of.
    """

    text: str
    own: Terms
    near: Terms
    first: str = ""
    kind: str = "p"
    leans: bool = False
    of: str = ""


def referenced(term: str) -> str:
    """The name that a reference entry is about, or nothing when the term is no such entry."""
    found = _SIGNATURE.match(term.replace("`", ""))
    if found is None or not (found["kind"] or found["call"] or "." in found["name"]):
        return ""
    return found["name"].replace(" ", "")


def is_no_prose(text: str) -> bool:
    """Whether a block is program text, or only says where something is or since when."""
    return bool(_NO_PROSE.search(text))


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph. A full stop in an abbreviation ends none."""
    pieces: list[str] = []
    for piece in _SENTENCE_END.split(text):
        if pieces and (_ABBREVIATION.search(pieces[-1]) or pieces[-1].count("`") % 2):
            pieces[-1] += " " + piece
        elif piece.strip():
            pieces.append(piece.strip())
    return pieces


def statements(passage: Passage, terms: Callable[[str], list[str]], of: str = "") -> Iterator[Statement]:
    """What the passage says, in order. `of`: the name in the reference that its beginning is said of."""
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
            of = referenced(block.text)
            yield from _definition(block, blocks[place : place + 1], terms)
        else:
            if block.kind != "code" and not is_no_prose(block.text):
                yield from _spoken(block, terms, of)
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
    of = referenced(term.text)
    named = f"`{of}`" if of else term.text
    for block in following:
        if block.kind in ("p", "item") and not is_no_prose(block.text):
            said = sentences(block.text)
            own = frozenset(terms(named)) | frozenset(terms(said[0]))
            both = " ".join(said[:2])
            text = both if len(both) + len(named) <= DEFINITION_CHARS else said[0]
            yield Statement(text, own, frozenset(terms(block.text)), f"{named}:", "term", of=of)
            return
    if not of:
        yield Statement(named, frozenset(terms(named)), frozenset(), kind="term")


def _spoken(block: Block, terms: Callable[[str], list[str]], of: str = "") -> Iterator[Statement]:
    if block.kind in ("row", "fact"):
        yield Statement(block.text, frozenset(terms(block.text)), frozenset(), kind=block.kind)
        return
    said = sentences(block.text)
    near = frozenset(terms(block.text))
    for number, sentence in enumerate(said):
        first = said[number - 1] if number and _ANAPHOR.match(sentence) else ""
        own = frozenset(terms(sentence))
        yield Statement(sentence, own, near, first, block.kind, not number and bool(_ANAPHOR.match(sentence)), of)


def references(passages: Sequence[Passage]) -> list[str]:
    """For each passage, the name in the reference that its beginning is said of."""
    found: list[str] = []
    name, section = "", None
    for passage in passages:
        name = name if passage.section is section else ""
        section = passage.section
        found.append(name)
        for block in passage.blocks:
            if block.kind == "term":
                name = referenced(block.text)
    return found


def is_open(statement: Statement) -> bool:
    """Whether what it announces is not in it."""
    return statement.text.endswith((":", "：")) or statement.text.count("(") > statement.text.count(")")


def shown(statement: Statement) -> str:
    """The statement as it can be read alone."""
    if statement.of and statement.kind != "term":
        return f"`{statement.of}`: {statement.text}"
    if statement.kind == "row":
        return statement.text.replace("; ", " – ", 1)
    if statement.first.endswith(":"):
        return f"{statement.first} {statement.text}"
    both = f"{statement.first} {statement.text}".strip()
    return both if len(both) <= WHOLE_CHARS else statement.text
