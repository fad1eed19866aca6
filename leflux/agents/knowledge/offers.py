"""What a site offers, as records of properties: its products, and the rows of its tables."""

import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from leflux.sites.crawled_pages import CrawledPage, Section

NAME_WORDS = 4
MIN_FACTS = 3
PRICE = re.compile(r"[€$£¥] ?\d[\d.,]*|\d[\d.,]* ?(?:[€$£¥]|euros?\b|eur\b|usd\b|gbp\b|chf\b|kr\b|dollars?\b)", re.I)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_NAME = re.compile(r"[^\W\d_][\w'’& -]*")


class Offer(Struct):
    """One thing with its properties, and where the site says so. `terms`: of everything said about it."""

    name: str
    page: int
    section: Section
    facts: dict[str, str]
    terms: frozenset[str] = frozenset()
    key: frozenset[str] = frozenset()

    @property
    def price(self) -> str | None:
        return next(
            (value for label, value in self.facts.items() if label.casefold() in ("price", "preis", "prix")), None
        )


def offers(pages: Sequence[CrawledPage], terms: Callable[[str], list[str]]) -> list[Offer]:
    """Every named thing with properties. What several places say of one name is one record."""
    found: dict[frozenset[str], Offer] = {}
    for number, page in enumerate(pages):
        for offer in (*_stated(number, page), *_described(number, page), *_tabled(number, page)):
            offer.key = frozenset(terms(offer.name))
            if not offer.key:
                continue
            known = found.get(offer.key) or next((one for key, one in found.items() if _extends(offer, key)), None)
            told = " ".join([page.title, offer.section.heading, offer.name, *offer.facts.values()])
            if known is None:
                offer.terms = frozenset(terms(told))
                found[offer.key] = offer
            else:
                known.facts = offer.facts | known.facts
                known.terms |= frozenset(terms(told))
    return list(found.values())


def _extends(offer: Offer, key: frozenset[str]) -> bool:
    """Whether the record's name is a known one with its kind behind it ("Halden Pendant")."""
    return key < offer.key and len(offer.key) <= NAME_WORDS and offer.page is not None


def _stated(number: int, page: CrawledPage) -> Iterator[Offer]:
    """The products that the page states for machines."""
    for record in page.records:
        if record.kind == "product" and page.sections:
            section = next((one for one in page.sections if one.heading == record.name), page.sections[0])
            yield Offer(record.name, number, section, {fact.name.capitalize(): fact.value for fact in record.facts})


def _described(number: int, page: CrawledPage) -> Iterator[Offer]:
    """The thing that the page is about: its first heading is a name, and it has properties or a price."""
    headed = [section for section in page.sections if section.heading]
    if not headed or not 0 < len(headed[0].heading.split()) <= NAME_WORDS or not _NAME.fullmatch(headed[0].heading):
        return
    first, facts = headed[0], {}
    # A price in the first lines is that of the thing; further down it may be one of its parts'.
    opening = [block.text for block in first.blocks[:4] if block.kind == "p" and len(block.text) < 120]
    if price := next((text for text in opening if PRICE.match(text)), None):
        facts["Price"] = price
    for section in page.sections:
        items = [block.text for block in section.blocks if block.kind == "item"]
        if section.heading and 1 < len(items) <= 12 and all(len(item.split()) <= NAME_WORDS for item in items):
            facts.setdefault(section.heading, ", ".join(items))
        for block in section.blocks:
            if block.kind == "fact":
                label, _, value = block.text.partition(": ")
                facts.setdefault(label, value)
    if len(facts) >= MIN_FACTS or ("Price" in facts and len(facts) > 1):
        yield Offer(first.heading, number, first, facts)


def _tabled(number: int, page: CrawledPage) -> Iterator[Offer]:
    for section in page.sections:
        for block in section.blocks:
            if block.kind != "row":
                continue
            name, *cells = block.text.split("; ")
            facts = dict(cell.split(": ", 1) for cell in cells if ": " in cell)
            if facts and len(name.split()) <= NAME_WORDS and ": " not in name and _NAME.fullmatch(name):
                yield Offer(name, number, section, facts)


def amount(text: str, unit: str | None = None) -> float | None:
    """The first number of a property, of those with the unit when there is one."""
    if unit is None:
        found = _NUMBER.search(text)
    elif unit == "price":
        price = PRICE.search(text)
        found = _NUMBER.search(price[0]) if price else None
    else:
        match = re.search(rf"({_NUMBER.pattern}) ?(?:{unit})\b", text, re.I)
        found = _NUMBER.search(match[1]) if match else None
    return float(found[0].replace(",", ".")) if found else None
