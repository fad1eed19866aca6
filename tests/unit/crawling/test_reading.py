"""What a page says is read without its frame: the main content, tables with their columns, and facts for machines."""

from pathlib import Path

import pytest

from leflux.agents.knowledge.repeated import without_repetitions
from leflux.crawling.extract import Extract, extract
from leflux.sites.crawled_pages import CrawledPage, Fact
from leflux.web.demo import render

BAKERY = Path(__file__).parents[2] / "knowledge" / "bakery"


def read(html: str | bytes) -> Extract:
    return extract(html.encode() if isinstance(html, str) else html, "http://x.test/", None)


def texts(page: Extract) -> list[str]:
    return [block.text for section in page.sections for block in section.blocks]


@pytest.mark.parametrize("frame", ["<main>{}</main>", "<article>{}</article>", "<div role='main'>{}</div>"])
def test_the_main_content_is_read_and_nothing_around_it(frame: str) -> None:
    body = "<h1>Bread</h1><p>Every loaf rests for a whole day before it goes into the oven, and is sold warm.</p>"
    page = read(
        "<body><div class='menu'>Home Contact Shop</div><div id='cookie-banner'>We use cookies. Accept</div>"
        f"{frame.format(body)}<div>Related: ten cakes</div></body>"
    )
    assert " ".join(texts(page)) == "Every loaf rests for a whole day before it goes into the oven, and is sold warm."


def test_what_only_the_style_sheet_keeps_apart_is_not_run_together() -> None:
    page = read(render()["index.html"])
    assert "5-year warranty on every lamp, 2 years on batteries" in texts(page)
    assert "Halden Pendant; Price: €189" in " ".join(texts(read(render()["lamps/index.html"])))


def test_a_row_of_a_table_has_the_names_of_its_columns() -> None:
    page = read(render()["shipping.html"])
    assert (
        "Norway, Switzerland, United Kingdom; Service: Standard; Price: €19, duties included; Time: 5 to 8 working days"
        in texts(page)
    )


def test_properties_are_read_with_their_names() -> None:
    page = read(render()["lamps/skimmer.html"])
    assert "Weight: 3.1 kg" in texts(page)


def test_structured_data_becomes_facts() -> None:
    home = read((BAKERY / "index.html").read_bytes())
    facts = {fact for record in home.records for fact in record.facts}
    assert Fact("telephone", "0221 555 0142") in facts
    assert Fact("address", "Lindenstrasse 14, 50674 Cologne") in facts
    assert Fact("hours", "Tuesday to Friday 06:30 – 18:00") in facts
    cakes = {record.name: record.facts for record in read((BAKERY / "cakes.html").read_bytes()).records}
    assert Fact("price", "€48") in cakes["Black Forest cake"]
    assert Fact("availability", "in stock") in cakes["Black Forest cake"]
    assert Fact("price", "€32") in cakes["Lemon tart"]


@pytest.mark.parametrize(
    "script",
    [
        "{",
        "[" * 5_000,
        '{"@type": 7, "name": {"a": []}}',
        '{"@graph": [{"@graph": 1}]}',
        '{"@type":"Product","name":"x"}',
        "null",
    ],
)
def test_malformed_structured_data_is_left_out(script: str) -> None:
    page = read(
        f"<script type='application/ld+json'>{script}</script><main><p>{'A sentence of some words. ' * 8}</p></main>"
    )
    assert page.records == []
    assert texts(page)


def test_what_every_page_repeats_is_removed() -> None:
    pages = []
    for file in sorted(BAKERY.glob("*.html")):
        found = read(file.read_bytes())
        pages.append(CrawledPage(url=file.name, title=found.title, sections=found.sections, digest=file.name))
    assert any(
        "Follow us" in text for page in pages for section in page.sections for text in [b.text for b in section.blocks]
    )
    said = [block.text for page in without_repetitions(pages) for section in page.sections for block in section.blocks]
    assert not [text for text in said if "Follow us" in text or "cookies" in text]
    assert "Keep bread in a linen bag" in " ".join(said)
