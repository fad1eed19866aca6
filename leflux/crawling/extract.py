"""HTML -> title, sections and links. Runs in a thread: it is pure CPU, and slow for a long page.

What a page says is untrusted: it comes out as plain text, in which only what was code there is marked as code.
"""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import trafilatura
from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement
from msgspec import Struct

from leflux.crawling.urls import MAX_URL
from leflux.site_pages import Block, Link, Section

MAX_LINKS = 2_000
MAX_TITLE = 200
MAX_LINK_TEXT = 100
_SPACE = re.compile(r"\s+")
_PERMALINK = re.compile(r"[¶#§]\s*$")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCK_TAGS = ("p", "list", "table", "quote", "head")
# Nothing to read: what a visitor would fill in or press.
_FORM_PARTS = ("button", "datalist", "label", "legend", "option", "select", "textarea")
_INLINE_CODE = ("code", "quote")


class Unreadable(Exception):
    """The page holds no text that could be read."""


class Extract(Struct, frozen=True):
    """A page as read: `links` are absolute; `indexable` and `follow` are what its robots meta tag allows."""

    title: str
    lang: str
    description: str
    sections: list[Section]
    links: list[Link]
    canonical: str | None
    indexable: bool
    follow: bool


def extract(body: bytes, url: str, charset: str | None) -> Extract:
    """Read a page. Raises `Unreadable`."""
    tree = _parse(body, charset)
    anchors = _anchors(tree)
    rules = _robots_rules(tree)
    base = urljoin(url, _first(tree, "//base/@href") or "")
    links = [] if "nofollow" in rules else _links(tree, base)
    canonical = _first(tree, "//link[@rel='canonical']/@href")
    head = {
        "title": _clean(_first(tree, "//title/text()") or "")[:MAX_TITLE],
        "lang": (_first(tree, "/html/@lang") or "")[:2].lower(),
        "description": _clean(_first(tree, "//meta[@name='description']/@content") or "")[:500],
    }
    etree.strip_elements(tree, *_FORM_PARTS, with_tail=False)
    try:
        document = trafilatura.bare_extraction(
            tree, url=url, include_comments=False, favor_recall=True, include_tables=True, with_metadata=False
        )
    except (RecursionError, ValueError, AssertionError) as error:
        raise Unreadable(f"cannot be read: {error!r}"[:200]) from None
    body_tree = getattr(document, "body", None)
    sections = _sections(body_tree, anchors) if body_tree is not None else []
    title = head["title"] or (sections[0].heading if sections else "") or url
    return Extract(
        title=title,
        lang=head["lang"],
        description=head["description"],
        sections=sections,
        links=links,
        canonical=urljoin(base, canonical) if canonical else None,
        indexable="noindex" not in rules,
        follow="nofollow" not in rules,
    )


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


def _first(tree: HtmlElement, path: str) -> str | None:
    found = tree.xpath(path)
    return str(found[0]) if found else None


def _robots_rules(tree: HtmlElement) -> set[str]:
    content = " ".join(str(value) for value in tree.xpath("//meta[@name='robots' or @name='ROBOTS']/@content"))
    rules = {rule.strip().lower() for rule in re.split(r"[,\s]+", content)}
    return rules | {"noindex", "nofollow"} if "none" in rules else rules


def _links(tree: HtmlElement, base: str) -> list[Link]:
    found: dict[str, str] = {}
    for anchor in tree.iter("a"):
        href = (anchor.get("href") or "").strip()
        if not href or href.startswith("#") or "nofollow" in (anchor.get("rel") or ""):
            continue
        try:
            url = urljoin(base, href).partition("#")[0]
        except ValueError:
            continue
        if len(url) <= MAX_URL and len(found) < MAX_LINKS:
            found[url] = found.get(url) or _clean(_text(anchor))[:MAX_LINK_TEXT]
    return [Link(url, text) for url, text in found.items()]


def _anchors(tree: HtmlElement) -> dict[str, str]:
    """The heading's text -> the id that leads to it."""
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
        for row in node.iter("row"):
            cells = [_inline(cell) for cell in row.iter("cell")]
            if any(cells):
                yield Block("item", " — ".join(cell for cell in cells if cell))
    elif node.tag == "list":
        for item in node.iterchildren():
            yield from _item(item)
    elif (text := _inline(node)) != "":
        yield Block("p", text)


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
    """The text of `node` on one line, with its code between backquotes; up to the first child of a `stop` tag."""
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
    # A backquote of the page's own must not open or close what is marked as code here.
    return (text or "").replace("`", "'")
