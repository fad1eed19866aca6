"""A passage as the text of an answer: a little Markdown of ours around words that can be no markup of their own.

What a page says is untrusted. A word in which Markdown (or HTML) could see markup is shown as code, which is inert;
a link is only ever to a page of the site, with the address that the crawler read it from.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote

from leflux.agents.search import Passage
from leflux.site_pages import Block, Page

QUOTE_CHARS = 700
MAX_CODE = 600
_MARKUP = re.compile(r"[*_\[\]<>~|\\]|&\w|https?:|www\.|\w@\w", re.IGNORECASE)
# Markup only where a line begins: headings, quotes, lists.
_LEADING = re.compile(r"[#>+-]+|\d{1,3}[.)]|[=-]{2,}")
_CODE_SPAN = re.compile(r"(`[^`]*`)")
_SAFE = "%/:=&?~#+!$,;'@-._"
_SPECIAL = re.compile(r"[\[\]`*_<>\\|~]")


def inert(text: str) -> str:
    """One line of a page's text, without markup save the code spans that the extraction marked."""
    pieces = _CODE_SPAN.split(text)
    safe = "".join(piece if number % 2 else _quote_words(piece) for number, piece in enumerate(pieces))
    first, space, rest = safe.partition(" ")
    return f"`{first}`{space}{rest}" if _LEADING.fullmatch(first) else safe


def _quote_words(text: str) -> str:
    plain = text.replace("`", "'")
    return " ".join(f"`{word}`" if word and _MARKUP.search(word) else word for word in plain.split(" "))


def link(text: str, url: str) -> str:
    """A Markdown link whose text cannot end it."""
    shown = _SPECIAL.sub(" ", text).strip() or "this page"
    return f"[{re.sub(r' +', ' ', shown)}]({quote(url, safe=_SAFE)})"


def source_url(page: Page, passage: Passage) -> str:
    """The page's address, down to the section."""
    anchor = passage.section.anchor
    return f"{page.url}#{anchor}" if anchor else page.url


def source_title(page: Page, passage: Passage) -> str:
    heading = passage.section.heading
    return page.title if not heading or heading in page.title else f"{page.title} › {heading}"


def quotation(passage: Passage, best: int) -> str:
    """The passage, from its `best` block on, as much as makes a readable answer."""
    blocks = list(passage.blocks)[_beginning(passage.blocks, best) :]
    lines: list[str] = []
    length = 0
    for block in blocks:
        text = _shown(block, QUOTE_CHARS - length)
        if text is None:
            break
        lines.append(text)
        length += len(text)
    return "\n\n".join(lines).replace("\n\n- ", "\n- ") if lines else inert(passage.section.heading)


def _beginning(blocks: Sequence[Block], best: int) -> int:
    """Begin where a reader can follow: at the term that is defined, or with what a listing illustrates."""
    if sum(len(block.text) for block in blocks[: best + 1]) <= QUOTE_CHARS:
        return 0
    while best > 0 and (blocks[best].kind == "code" or blocks[best - 1].kind == "term"):
        best -= 1
    return best


def _shown(block: Block, room: int) -> str | None:
    """The block in at most `room` characters, or about so; None when it does not fit any more."""
    if block.kind == "code":
        if room < QUOTE_CHARS and len(block.text) > room:
            return None
        return "```\n" + block.text[:MAX_CODE].rstrip().replace("```", "'''") + "\n```"
    text = inert(block.text)
    if len(text) > room:
        if room < QUOTE_CHARS:
            return None
        text = _cut(text, room)
    if block.kind == "term":
        return f"`{block.text.replace('`', '')[:200]}`"
    return f"- {text}" if block.kind == "item" else text


def _cut(text: str, room: int) -> str:
    """End at a sentence if one ends in the second half, else at a word; code spans stay whole."""
    head = text[:room]
    end = max(head.rfind(mark) for mark in (". ", "? ", "! "))
    head = head[: end + 1] if end > room // 2 else head[: head.rfind(" ")] + " …"
    return head if head.count("`") % 2 == 0 else head[: head.rfind("`")].rstrip() + " …"
