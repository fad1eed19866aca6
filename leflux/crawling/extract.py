"""Extracts title, sections and links from HTML. It is slow for a long page: `PageReader` runs it in a process.

The text of a page is untrusted. The result is plain text in which only code is marked.
"""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import trafilatura
from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement
from msgspec import Struct

from leflux.crawling.main_content import main_content
from leflux.crawling.structured_data import structured_data
from leflux.crawling.urls import MAX_URL
from leflux.sites.crawled_pages import Block, PageLink, Record, Section

MAX_LINKS = 2_000
MAX_TITLE = 200
MAX_LINK_TEXT = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_SPACE = re.compile(r"\s+")
_PERMALINK = re.compile(r"[¶#§]\s*$")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCK_TAGS = ("p", "list", "table", "quote", "head")
# Form controls have no text to read.
_FORM_PARTS = ("button", "datalist", "label", "legend", "option", "select", "textarea")
_INLINE_CODE = ("code", "quote")
# A definition list whose entries are this short is a list of properties.
FACT_NAME_WORDS, FACT_WORDS = 5, 25


class Unreadable(Exception):
    """The page has no readable text."""


class Extract(Struct, frozen=True):
    """A page as read. `links` are absolute; `indexable` and `follow` come from its robots meta tag."""

    title: str
    lang: str
    description: str
    sections: list[Section]
    links: list[PageLink]
    records: list[Record]
    canonical: str | None
    indexable: bool
    follow: bool


def extract(body: bytes, url: str, charset: str | None) -> Extract:
    """Read a page. Raises `Unreadable`."""
    tree = _parse(body, charset)
    anchors = _anchors(tree)
    rules = _robots_rules(tree)
    base = _joined(url, _first(tree, "//base/@href") or "") or url
    links = [] if "nofollow" in rules else _links(tree, base)
    canonical = _first(tree, "//link[@rel='canonical']/@href")
    head = {
        "title": _clean(_first(tree, "//title/text()") or "")[:MAX_TITLE],
        "lang": (_first(tree, "/html/@lang") or "")[:2].lower(),
        "description": _clean(_first(tree, "//meta[@name='description']/@content") or "")[:500],
    }
    records = structured_data(tree)
    etree.strip_elements(tree, *_FORM_PARTS, with_tail=False)
    sections = _sections(_body(main_content(tree), url), anchors)
    title = head["title"] or (sections[0].heading if sections else "") or url
    return Extract(
        title=title,
        lang=head["lang"],
        description=head["description"],
        sections=sections,
        links=links,
        records=records,
        canonical=_joined(base, canonical) if canonical else None,
        indexable="noindex" not in rules,
        follow="nofollow" not in rules,
    )


def _body(main: HtmlElement, url: str) -> HtmlElement:
    """The main content as the library's own tree of headings, paragraphs, lists, tables and code."""
    whole = etree.Element("html")
    content = etree.SubElement(etree.SubElement(whole, "body"), "article")
    # HTML may hold control characters that XML may not.
    content.text = _CONTROL.sub(" ", main.text or "")
    content.extend(list(main))
    try:
        document = trafilatura.bare_extraction(
            lxml_html.fromstring(etree.tostring(whole, encoding="unicode")),
            url=url,
            include_comments=False,
            favor_recall=True,
            include_tables=True,
            with_metadata=False,
        )
    except (RecursionError, ValueError, AssertionError) as error:
        raise Unreadable(f"cannot be read: {error!r}"[:200]) from None
    body = getattr(document, "body", None)
    return body if body is not None else etree.Element("body")


def _parse(body: bytes, charset: str | None) -> HtmlElement:
    try:
        parser = lxml_html.HTMLParser(encoding=charset or _declared(body), recover=True, huge_tree=False)
        tree = lxml_html.document_fromstring(body, parser=parser)
    except LookupError:
        return _parse(body, "utf-8")
    except (ValueError, lxml_html.etree.ParserError, lxml_html.etree.XMLSyntaxError) as error:
        raise Unreadable(f"is not HTML: {error}"[:200]) from None
    return tree


def _declared(body: bytes) -> str:
    match = re.search(rb"<meta[^>]{0,200}?charset=[\"']?([A-Za-z0-9_-]{1,40})", body[:4_096], re.IGNORECASE)
    return match[1].decode("ascii") if match else "utf-8"


def _joined(base: str, address: str) -> str | None:
    """An absolute address; None for what is none, such as `http://[x`."""
    try:
        return urljoin(base, address)
    except ValueError:
        return None


def _first(tree: HtmlElement, path: str) -> str | None:
    found = tree.xpath(path)
    return str(found[0]) if found else None


def _robots_rules(tree: HtmlElement) -> set[str]:
    content = " ".join(str(value) for value in tree.xpath("//meta[@name='robots' or @name='ROBOTS']/@content"))
    rules = {rule.strip().lower() for rule in re.split(r"[,\s]+", content)}
    return rules | {"noindex", "nofollow"} if "none" in rules else rules


def _links(tree: HtmlElement, base: str) -> list[PageLink]:
    found: dict[str, str] = {}
    for anchor in tree.iter("a"):
        href = (anchor.get("href") or "").strip()
        if not href or href.startswith("#") or "nofollow" in (anchor.get("rel") or ""):
            continue
        url = (_joined(base, href) or "").partition("#")[0]
        if url and len(url) <= MAX_URL and len(found) < MAX_LINKS:
            found[url] = found.get(url) or _clean(_text(anchor))[:MAX_LINK_TEXT]
    return [PageLink(url, text) for url, text in found.items()]


def _anchors(tree: HtmlElement) -> dict[str, str]:
    """The text of a heading -> its anchor."""
    found: dict[str, str] = {}
    for heading in tree.iter(*_HEADINGS):
        parent = heading.getparent()
        anchor = heading.get("id") or (parent.get("id") if parent is not None and parent.tag == "section" else None)
        if anchor and re.fullmatch(r"[\w.:-]{1,100}", anchor):
            found.setdefault(_heading(_text(heading)), anchor)
    return found


def _heading(text: str) -> str:
    return _PERMALINK.sub("", _clean(text)).strip()[:MAX_TITLE]


def _clean(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _text(node: HtmlElement) -> str:
    return "".join(str(piece) for piece in node.itertext())


def _sections(body: HtmlElement, anchors: dict[str, str]) -> list[Section]:
    sections = [Section("", 1, None, [])]
    for node in body.iterchildren():
        if node.tag == "head":
            heading = _heading(_text(node))
            level = int(str(node.get("rend") or "h2")[-1]) if str(node.get("rend") or "h2")[-1].isdigit() else 2
            sections.append(Section(heading, level, anchors.get(heading), []))
        else:
            sections[-1].blocks.extend(_blocks(node))
    return [section for section in sections if section.heading or section.blocks]


def _blocks(node: HtmlElement) -> Iterator[Block]:
    """The paragraphs, code listings, list items and table rows under `node`, in order."""
    if node.tag in _INLINE_CODE:
        text = _text(node).strip("\n")
        if text.strip():
            yield Block("code" if node.tag == "code" else "p", text.replace("```", "'''"))
    elif node.tag == "table":
        yield from _rows(node)
    elif node.tag == "list":
        yield from _facts(node) or (block for item in node.iterchildren() for block in _item(item))
    elif (text := _inline(node)) != "":
        yield Block("p", text)


def _rows(table: HtmlElement) -> Iterator[Block]:
    """Each row with the names of its columns, so that it can be read alone."""
    rows = [[(_inline(cell), cell.get("role") == "head") for cell in row.iter("cell")] for row in table.iter("row")]
    names = [text for text, _ in rows[0]] if len(rows) > 1 and rows[0] and all(head for _, head in rows[0]) else []
    for row in rows[1:] if names else rows:
        cells = [text for text, _ in row]
        if not any(cells):
            continue
        if len(cells) == len(names):
            named = [f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=True) if cell]
            yield Block("row", "; ".join([cells[0], *named[1:]]) if cells[0] else "; ".join(named))
        elif len(cells) == 2 and all(cells):
            yield Block("fact", f"{cells[0].rstrip(':')}: {cells[1]}")
        else:
            yield Block("row", "; ".join(cell for cell in cells if cell))


def _facts(entries: HtmlElement) -> list[Block]:
    """The entries of a definition list as properties; empty for a glossary, and for another list."""
    items = list(entries.iterchildren())
    kinds = [str(item.get("rend"))[:2] for item in items]
    pairs = list(zip(items[::2], items[1::2], strict=False))
    if not items or kinds != ["dt", "dd"] * len(pairs):
        return []
    read = [(_inline(name), _inline(value)) for name, value in pairs]
    short = all(
        0 < len(name.split()) <= FACT_NAME_WORDS and 0 < len(value.split()) <= FACT_WORDS and "`" not in name
        for name, value in read
    )
    return [Block("fact", f"{name.rstrip(':')}: {value}") for name, value in read] if short else []


def _item(item: HtmlElement) -> Iterator[Block]:
    holds_blocks = any(child.tag in _BLOCK_TAGS for child in item.iterchildren())
    lead = _PERMALINK.sub("", _inline(item, stop=_BLOCK_TAGS if holds_blocks else ())).strip()
    if lead:
        yield Block("term" if str(item.get("rend")).startswith("dt") else "item", lead)
    if holds_blocks:
        for child in item.iterchildren():
            if child.tag in _BLOCK_TAGS or (child.tag == "code" and "\n" in _text(child)):
                yield from _blocks(child)


def _inline(node: HtmlElement, stop: tuple[str, ...] = ()) -> str:
    """The text of `node` on one line with code between backquotes, up to the first child with a `stop` tag."""
    pieces: list[str] = [_plain(node.text)]
    for child in node.iterchildren():
        if child.tag in stop:
            break
        if child.tag == "code":
            code = _clean(_text(child)).replace("`", "'")
            pieces.append(f"`{code}`" if code else "")
        else:
            pieces.append(_inline(child))
        pieces.append(_plain(child.tail))
    return _clean("".join(pieces))


def _plain(text: str | None) -> str:
    # A backquote of the page must not start or end the marked code.
    return (text or "").replace("`", "'")
