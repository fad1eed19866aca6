"""Shows a page's text in safe Markdown.

The text of a page is untrusted. A word that Markdown or HTML could read as markup is shown as code. Links lead only to
pages of the site, at the addresses that the crawler has read.
"""

import re
from urllib.parse import quote

from leflux.sites.crawled_pages import CrawledPage, Section

_MARKUP = re.compile(r"[*_\[\]<>~|\\]|&\w|https?:|www\.|\w@\w", re.IGNORECASE)
# Markup only at the start of a line: headings, quotes, lists.
_LEADING = re.compile(r"[#>+-]+|\d{1,3}[.)]|[=-]{2,}")
_CODE_SPAN = re.compile(r"(`[^`]*`)")
_SAFE = "%/:=&?~#+!$,;'@-._"
_SPECIAL = re.compile(r"[\[\]`*_<>\\|~]")


def inert(text: str) -> str:
    """One line of a page's text, without markup except the marked code spans."""
    pieces = _CODE_SPAN.split(text)
    safe = "".join(piece if number % 2 else _quote_words(piece) for number, piece in enumerate(pieces))
    first, space, rest = safe.partition(" ")
    return f"`{first}`{space}{rest}" if _LEADING.fullmatch(first) else safe


def _quote_words(text: str) -> str:
    plain = text.replace("`", "'")
    return " ".join(f"`{word}`" if word and _MARKUP.search(word) else word for word in plain.split(" "))


def link(text: str, url: str) -> str:
    """A Markdown link whose text cannot end it early."""
    shown = _SPECIAL.sub(" ", text).strip() or "this page"
    return f"[{re.sub(r' +', ' ', shown)}]({quote(url, safe=_SAFE)})"


def source_url(page: CrawledPage, section: Section | None) -> str:
    """The page's address with the anchor of the section."""
    return f"{page.url}#{section.anchor}" if section is not None and section.anchor else page.url


def source_title(page: CrawledPage, section: Section | None) -> str:
    heading = section.heading if section is not None else ""
    return page.title if not heading or heading in page.title else f"{page.title} › {heading}"
