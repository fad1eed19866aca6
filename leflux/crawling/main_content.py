"""Cuts an HTML tree down to its main content, before it is read as text."""

import re

from lxml.html import HtmlElement

MIN_TEXT = 80
_CONTENT = "//main | //*[@role='main']"
_NEVER = ("script", "style", "noscript", "template", "svg", "iframe", "nav", "dialog", "object", "canvas")
_ROLES = ("navigation", "dialog", "alertdialog", "search", "banner", "contentinfo")
_FRAME = ("header", "footer", "aside")
_NOTICE = re.compile(r"(?:^|[\s_-])(?:cookies?|consent|gdpr|ccpa|cookie-?(?:bar|banner|notice))(?:[\s_-]|$)", re.I)
# Without a space between them, the browser still draws these apart: "<strong>5 years</strong><span>on every lamp".
_APART = ("strong", "b", "span", "small", "em", "time", "label", "div", "a")


def main_content(tree: HtmlElement) -> HtmlElement:
    """The element that holds the page's own text: `main`, the only `article`, else the body without its frame."""
    _drop(tree, [node for node in tree.iter(*_NEVER) if node.tag != "nav" or node.find(".//h1") is None])
    _drop(tree, [node for node in tree.iter("div", "section", "aside", "p", "form", "footer") if _is_notice(node)])
    _drop(tree, [node for role in _ROLES for node in tree.xpath(f"//*[@role='{role}']")])
    _drop(tree, tree.xpath("//*[@hidden or @aria-hidden='true']"))
    main = _only(tree.xpath(_CONTENT))
    if main is None:
        main = _only(tree.xpath("//article[not(ancestor::article)]"))
    if main is None:
        main = tree.find(".//body") if tree.find(".//body") is not None else tree
        _drop(
            main, [node for node in main.iter(*_FRAME) if not _within(node, "article") and node.find(".//h1") is None]
        )
    _drop(main, [node for node in main.iter("p") if _is_menu(node)])
    _space_out(main)
    return main


def _only(found: list[HtmlElement]) -> HtmlElement | None:
    filled = [node for node in found if len("".join(node.itertext()).strip()) >= MIN_TEXT]
    return filled[0] if len(filled) == 1 else None


def _is_notice(node: HtmlElement) -> bool:
    named = f"{node.get('id') or ''} {node.get('class') or ''}"
    return bool(_NOTICE.search(named)) and node.find(".//h1") is None


def _is_menu(paragraph: HtmlElement) -> bool:
    """Whether the paragraph has links and no other text, such as a row of buttons."""
    own = (paragraph.text or "") + "".join(child.tail or "" for child in paragraph)
    return len(paragraph) > 0 and not own.strip() and all(child.tag == "a" for child in paragraph)


def _within(node: HtmlElement, tag: str) -> bool:
    return any(above.tag == tag for above in node.iterancestors())


def _drop(tree: HtmlElement, nodes: list[HtmlElement]) -> None:
    for node in nodes:
        if node is not tree and node.getparent() is not None:
            node.drop_tree()


def _space_out(main: HtmlElement) -> None:
    """Put a space between neighbours that only the style sheet keeps apart."""
    for line_end in list(main.iter("br")):
        line_end.tail = " " + (line_end.tail or "")
        line_end.drop_tag()
    for node in main.iter(*_APART):
        following = node.getnext()
        if following is not None and not node.tail and following.tag in _APART:
            node.tail = " "
