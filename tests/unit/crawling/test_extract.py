"""What is read of a page: its text by sections, its links, and its rules."""

import gzip

import pytest

from leflux.crawling.extract import Extract, Unreadable, extract
from leflux.crawling.robots import parse_sitemap

URL = "http://shop.test/dir/page"
WORDS = "<p>Some words of plain text, so that there is something to read on this page of the shop.</p>"


def read(html: str, charset: str | None = None) -> Extract:
    return extract(html.encode(charset or "utf-8"), URL, charset)


def blocks(page: Extract) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for section in page.sections for block in section.blocks]


def test_a_table_a_list_and_a_listing_keep_their_order() -> None:
    page = read(
        f"<html><body><article><h1>Prices</h1>{WORDS}"
        "<table><tr><th>Lamp</th><td>12 EUR</td></tr><tr><td></td><td></td></tr></table>"
        "<ul><li>first <code>a`b</code></li><li>second<p>with a paragraph</p></li></ul>"
        "<pre><code>line 1\nline 2 ```\n</code></pre></article></body></html>"
    )
    found = blocks(page)
    assert ("fact", "Lamp: 12 EUR") in found
    assert ("code", "line 1\nline 2 '''") in found
    assert any(kind == "item" and text.startswith("first `a'b`") for kind, text in found)
    assert not any("`" in text.replace("`a'b`", "") for _, text in found)


def test_the_anchor_of_a_heading_is_its_own_or_that_of_its_section() -> None:
    page = read(
        f"<html><body><article><h1 id='top'>Top</h1>{WORDS}<section id='ship'><h2>Shipping</h2>{WORDS}</section>"
        f"<h2 id='no spaces'>Odd</h2>{WORDS}</article></body></html>"
    )
    anchors = {section.heading: section.anchor for section in page.sections}
    assert (anchors["Top"], anchors["Shipping"], anchors["Odd"]) == ("top", "ship", None)


def test_links_are_absolute_once_each_and_without_fragments_and_scripts() -> None:
    page = read(
        "<html><head><base href='/base/'></head><body><article>"
        "<a href='a'>one</a><a href='a#x'>again</a><a href='#here'>here</a><a href=''>none</a>"
        "<a href='http://[bad'>bad</a><a rel='nofollow' href='b'>not followed</a>"
        f"{WORDS}</article></body></html>"
    )
    assert [(link.url, link.text) for link in page.links] == [("http://shop.test/base/a", "one")]


@pytest.mark.parametrize(
    ("rules", "indexable", "follow"),
    [("noindex", False, True), ("nofollow", True, False), ("none", False, False), ("all", True, True)],
)
def test_the_rules_for_robots_are_kept(rules: str, indexable: bool, follow: bool) -> None:
    page = read(
        f"<html><head><meta name='robots' content='{rules}'></head><body>{WORDS}<a href='/a'>a</a></body></html>"
    )
    assert (page.indexable, page.follow, bool(page.links)) == (indexable, follow, follow)


def test_the_head_names_title_language_description_and_address() -> None:
    page = read(
        "<html lang='de-AT'><head><title> A  title </title><meta name='description' content='About it'>"
        f"<link rel='canonical' href='/real'></head><body>{WORDS}</body></html>"
    )
    assert (page.title, page.lang, page.description, page.canonical) == (
        "A title",
        "de",
        "About it",
        "http://shop.test/real",
    )
    assert read(f"<html><body><article><h1>Heading</h1>{WORDS}</article></body></html>").title == "Heading"
    assert read(f"<html><body>{WORDS}</body></html>").title == URL


def test_the_character_set_is_the_given_one_the_declared_one_or_utf_8() -> None:
    text = "<html><body><p>Größe und Gewicht der Lampen, wie sie in diesem Geschäft verkauft werden.</p></body></html>"
    declared = text.replace("<body>", "<head><meta charset='iso-8859-1'></head><body>")
    for body, charset in (
        (text.encode("latin-1"), "iso-8859-1"),
        (declared.encode("latin-1"), None),
        (text.encode(), None),
    ):
        assert "Größe" in str(blocks(extract(body, URL, charset)))
    assert "Größe" in str(blocks(extract(text.encode(), URL, "no-such-charset")))


@pytest.mark.parametrize("body", [b"", b"   ", b"<!-- only a comment -->"])
def test_what_is_no_html_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        extract(body, URL, None)


SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@pytest.mark.parametrize(
    ("xml", "maps", "pages"),
    [
        (f"<urlset {SPACE}><url><loc> http://shop.test/a </loc></url></urlset>", [], ["http://shop.test/a"]),
        (
            f"<sitemapindex {SPACE}><sitemap><loc>http://shop.test/b</loc></sitemap></sitemapindex>",
            ["http://shop.test/b"],
            [],
        ),
        ("", [], []),
        ("not xml", [], []),
        ("<!-- a comment -->", [], []),
        ("<urlset><url><loc>http://shop.test/c</loc></url>", [], ["http://shop.test/c"]),
    ],
)
def test_a_sitemap_names_pages_or_sitemaps(xml: str, maps: list[str], pages: list[str]) -> None:
    assert parse_sitemap(xml.encode()) == (maps, pages)


def test_a_zipped_sitemap_is_not_xml() -> None:
    assert parse_sitemap(gzip.compress(b"<urlset/>")) == ([], [])
