"""Facts that a page states for machines: schema.org as JSON-LD or microdata, Open Graph, and links to call or write.

What a page states is untrusted: only short plain texts are kept.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from lxml.html import HtmlElement

from leflux.sites.crawled_pages import Fact, Record

MAX_RECORDS = 40
MAX_VALUE = 300
MAX_DEPTH = 6
MAX_SCRIPT = 200_000
_SPACE = re.compile(r"\s+")
_SITE = re.compile(r"Organi[sz]ation|Business|Store|Bakery|Restaurant|Cafe|Shop|Hotel|Corporation|WebSite|Place$", re.I)
_PRODUCT = re.compile(r"^(?:Product\w*|IndividualProduct|MenuItem|Service|Event|Course)$")
_CURRENCY = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_AVAILABLE = {"InStock": "in stock", "OutOfStock": "sold out", "PreOrder": "to be ordered ahead"}
_AVAILABLE |= {"SoldOut": "sold out", "LimitedAvailability": "only a few left", "BackOrder": "on back order"}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ADDRESS = re.compile(
    r"[A-ZÀ-Þ][\w.'’-]+(?: [A-ZÀ-Þ]?[\w.'’-]+){0,3} \d{1,4} ?[a-z]?, (?:[A-Z]{1,2}-)?\d{4,5} [A-ZÀ-Þ][\w-]+"
    r"(?:, [A-ZÀ-Þ]\w+)?|\d{1,5} [A-Z][\w.'’ -]{2,40}, [A-Z][\w .'’-]{2,30}, [A-Z]{2} \d{5}"
)
_PHONE = re.compile(r"(?:phone|tel|call|telefon|tél|ring)\w*[.: ]{1,3}(\+?[\d(][\d ()/.-]{5,20}\d)", re.I)
_PLAIN = ("sku", "brand", "material", "color", "size", "weight", "model", "gtin13", "category", "description")

Item = dict[str, Any]


def structured_data(tree: HtmlElement) -> list[Record]:
    """The records of a page: `site` about who runs it, `product` about what it offers."""
    found = [record for item in _items(tree) if (record := _record(item)) is not None]
    graph = {str(node.get("property")): _text(node.get("content")) for node in tree.xpath("//meta[@property]")}
    if (price := graph.get("product:price:amount")) and graph.get("og:title"):
        offer = {"price": price, "priceCurrency": graph.get("product:price:currency", "")}
        found.append(Record("product", graph["og:title"], _offer(offer)))
    if reach := _linked(tree):
        found.append(Record("site", graph.get("og:site_name", ""), reach))
    return found[:MAX_RECORDS]


def _items(tree: HtmlElement) -> Iterator[Item]:
    for script in tree.xpath("//script[@type='application/ld+json']"):
        try:
            yield from _walk(json.loads((script.text or "")[:MAX_SCRIPT]), 0)
        except (ValueError, RecursionError):
            continue
    for node in tree.xpath("//*[@itemscope and not(@itemprop)]"):
        yield _microdata(node, 0)


def _walk(value: Any, depth: int) -> Iterator[Item]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value:
            yield from _walk(each, depth + 1)
    elif isinstance(value, dict):
        yield value
        for key in ("@graph", "mainEntity", "itemListElement", "item", "publisher"):
            yield from _walk(value.get(key), depth + 1)


def _microdata(node: HtmlElement, depth: int) -> Item:
    item: Item = {"@type": (node.get("itemtype") or "").rpartition("/")[2]}
    waiting = list(node)
    while waiting and depth <= MAX_DEPTH:
        child = waiting.pop(0)
        if not isinstance(child.tag, str):
            continue
        name = child.get("itemprop")
        if name and child.get("itemscope") is not None:
            item.setdefault(name, _microdata(child, depth + 1))
            continue
        if name:
            item.setdefault(name, child.get("content") or child.get("href") or child.get("datetime") or _inner(child))
        if child.get("itemscope") is None:
            waiting[:0] = list(child)
    return item


def _record(item: Item) -> Record | None:
    kinds = [str(kind).rpartition("/")[2] for kind in _many(item.get("@type"))]
    name = _text(item.get("name"))
    if name and any(_PRODUCT.match(kind) for kind in kinds):
        facts = [fact for offer in _many(item.get("offers"))[:1] if isinstance(offer, dict) for fact in _offer(offer)]
        facts += [Fact(key, value) for key in _PLAIN if (value := _named(item.get(key)))]
        facts += [
            Fact(_text(each.get("name")), _named(each.get("value")))
            for each in _many(item.get("additionalProperty"))
            if isinstance(each, dict) and _text(each.get("name")) and _named(each.get("value"))
        ]
        return Record("product", name, facts) if facts else None
    if any(_SITE.search(kind) for kind in kinds):
        facts = [Fact(key, value) for key in ("telephone", "email") if (value := _text(item.get(key)))]
        facts += [Fact("address", value) for value in (_address(item.get("address")),) if value]
        facts += [Fact("hours", value) for value in _hours(item)]
        return Record("site", name, facts) if facts else None
    return None


def _offer(offer: Item) -> list[Fact]:
    facts = []
    price = _text(offer.get("price") or offer.get("lowPrice"))
    if price:
        currency = _text(offer.get("priceCurrency")).upper()
        sign = _CURRENCY.get(currency)
        shown = price.removesuffix(".00")
        facts.append(Fact("price", f"{sign}{shown}" if sign else f"{shown} {currency}".strip()))
    available = _text(offer.get("availability")).rpartition("/")[2]
    if available in _AVAILABLE:
        facts.append(Fact("availability", _AVAILABLE[available]))
    return facts


def _address(value: Any) -> str:
    if not isinstance(value, dict):
        return _text(value)
    town = " ".join(filter(None, (_text(value.get("postalCode")), _text(value.get("addressLocality")))))
    return ", ".join(filter(None, (_text(value.get("streetAddress")), town, _named(value.get("addressCountry")))))


def _hours(item: Item) -> list[str]:
    said = [_text(value) for value in _many(item.get("openingHours"))]
    for each in _many(item.get("openingHoursSpecification"))[:14]:
        if not isinstance(each, dict) or not _text(each.get("opens")):
            continue
        days = [_text(day).rpartition("/")[2] for day in _many(each.get("dayOfWeek"))]
        said.append(
            f"{_span([day for day in days if day in _DAYS])} {_text(each['opens'])[:5]} –"
            f" {_text(each.get('closes'))[:5]}"
        )
    return [value.strip() for value in said if value.strip()]


def _span(days: list[str]) -> str:
    places = [_DAYS.index(day) for day in days]
    if len(days) > 2 and places == list(range(places[0], places[0] + len(places))):
        return f"{days[0]} to {days[-1]}"
    return ", ".join(days)


def _linked(tree: HtmlElement) -> list[Fact]:
    """Telephone numbers and addresses that the page links to."""
    facts: dict[Fact, None] = {}
    for href in tree.xpath("//a[starts-with(@href,'tel:') or starts-with(@href,'mailto:')]/@href"):
        scheme, _, value = str(href).partition(":")
        if value := _text(unquote(value.partition("?")[0])):
            facts[Fact("telephone" if scheme == "tel" else "email", value)] = None
    frame = tree.xpath("//address | //footer | //body/*[position()>last()-3]")
    text = " · ".join(_text(str(piece)) for node in frame for piece in node.itertext())
    for name, found in (("telephone", _PHONE.findall(text[-4_000:])), ("address", _ADDRESS.findall(text[-4_000:]))):
        facts.update((Fact(name, value.strip()), None) for value in found[:2])
    return list(facts)[:6]


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _named(value: Any) -> str:
    if isinstance(value, dict):
        amount = " ".join(
            filter(None, (_text(value.get("value")), _text(value.get("unitText") or value.get("unitCode"))))
        )
        return _text(value.get("name")) or amount
    return ", ".join(filter(None, map(_text, value))) if isinstance(value, list) else _text(value)


def _inner(node: HtmlElement) -> str:
    return _text("".join(str(piece) for piece in node.itertext()))


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _SPACE.sub(" ", str(value)).strip()[:MAX_VALUE].replace("`", "'")
