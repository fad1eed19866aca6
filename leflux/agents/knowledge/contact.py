"""How to reach the people of a site, and when they are there."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from leflux.agents.knowledge.forms import DAYS
from leflux.agents.knowledge.statements import sentences
from leflux.common.catalogue import heard, say
from leflux.sites.crawled_pages import CrawledPage

MAX_VALUES = 2
# A longer text says more than that.
PERSON_CHARS = 60
_HOURS = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)(?:day)?s?\b.{0,60}?(?:\d{1,2}[:.]\d\d|\d{1,2} ?[ap]m|closed)"
    r"|\b(?:weekdays|daily|every day)\b.{0,40}?\d{1,2}[:.]\d\d",
    re.I,
)
_PHONE = re.compile(r"(?:phone|tel|call|ring)\w*[^+\d]{0,12}(\+?\d[\d ()/.-]{5,20}\d)", re.I)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+")
_CONTACT_PAGE = re.compile(r"contact|kontakt|find us|get in touch|reach us|imprint|impressum", re.I)
_CALL_WHEN = re.compile(r"\b(?:when|what time)\b.*\b(?:call|phone|ring|reach)\b", re.I)
_IS_PHONE = re.compile(r"\b(?:phone|telephone|call|ring|number|mobile|fax)\b", re.I)
_IS_EMAIL = re.compile(r"\b(?:e-?mail|mail)\b", re.I)
_IS_ADDRESS = re.compile(r"\b(?:address|located|location|directions)\b|\bwhere (?:are|is|can i find|do i find)\b", re.I)
_IS_HOURS = re.compile(
    r"\bopen(?:ing|ed|s)?\b(?=.*\b(?:when|hours?|times?|until|till|today|tomorrow|\w+days?)\b)"
    r"|\b(?:when|what time|until|till|are|hours?|times?)\b.*\b(?:open(?:ing|s)?|close[sd]?|closing)\b"
    r"|\bopening (?:hours|times)\b",
    re.I,
)
_IS_PERSON = re.compile(
    r"\b(?:talk|speak|chat|write|connect me|put me through|reach|contact|get)\b.{0,30}\b(?:human|person|someone"
    r"|somebody|people|agent|staff|employee"
    r"|representative|advisor|operator|support|team|you)\b|\b(?:real|live|actual) (?:human|person|agent"
    r"|people)\b|\bhuman\b(?=\W*$)|\bcontact (?:us|details|data|info\w*|form)\b"
    r"|^\W*(?:contact|customer (?:service|support))\W*$|\b(?:how|where) (?:can|do) i (?:reach|contact) (?:you"
    r"|someone)\b",
    re.I,
)


class Contact(Struct, frozen=True):
    """`hours`: lines or sentences that say when somebody is there. `page`: the page to write on."""

    phones: Sequence[str]
    emails: Sequence[str]
    addresses: Sequence[str]
    hours: Sequence[tuple[str, CrawledPage]]
    page: CrawledPage | None

    def ways(self, lang: str, link: str | None) -> str:
        """The ways to reach a person, on one line; empty when there are none."""
        known = (("phone", self.phones), ("email", self.emails))
        ways = [say(lang, key, value=values[0]) for key, values in known if values]
        return " · ".join([*ways, *([link] if link else [])])


def contact_of(pages: Sequence[CrawledPage]) -> Contact:
    """What the pages state for machines comes first; what is written in their text comes after it."""
    stated = [fact for page in pages for record in page.records if record.kind == "site" for fact in record.facts]
    written = [
        (block.text, page)
        for page in pages
        for section in page.sections
        for block in section.blocks
        if block.kind != "code"
    ]
    texts = [text for text, _ in written]

    def both(name: str, found: Iterable[str]) -> list[str]:
        values = [fact.value for fact in stated if fact.name == name]
        return list(dict.fromkeys([*values, *found]))[:MAX_VALUES]

    home = pages[0] if pages else None
    first = [(fact.value, home) for fact in stated if fact.name == "hours" and home is not None]
    said = [
        (sentence, page)
        for text, page in written
        if _HOURS.search(text)
        for sentence in sentences(text)
        if _HOURS.search(sentence)
    ]
    return Contact(
        phones=both("telephone", _likeliest(match[1] for text in texts for match in _PHONE.finditer(text))),
        emails=both("email", ()) or both("email", (match[0] for text in texts for match in _EMAIL.finditer(text))),
        addresses=both("address", ()),
        hours=list(
            {" ".join(re.findall(r"\w+", text.casefold())): (text, page) for text, page in [*first, *said]}.values()
        )[:24],
        page=next((page for page in pages if _CONTACT_PAGE.search(page.title)), None),
    )


def _likeliest(numbers: Iterable[str]) -> list[str]:
    """What the most places say first: a number that stands in one text may be somebody else's."""
    return [number for number, _ in Counter(numbers).most_common()]


def asks_for(text: str) -> str | None:
    """Which of `person`, `hours`, `phone`, `email`, `address` the question is about."""
    if _CALL_WHEN.search(text):
        return "hours"
    for kind, asks in (
        ("person", _IS_PERSON),
        ("hours", _IS_HOURS),
        ("phone", _IS_PHONE),
        ("email", _IS_EMAIL),
        ("address", _IS_ADDRESS),
    ):
        if asks.search(text):
            return kind
    return None


def opening_hours(contact: Contact, question: str) -> list[tuple[str, CrawledPage]]:
    """The lines about the day that is asked for, else all; sentences that say "open" before those about a phone."""
    lines = list(contact.hours)
    days = [day for day in DAYS if re.search(rf"\b{day}s?\b", question, re.I)]
    if days:
        lines = [line for line in lines if any(_covers(line[0], day) for day in days)]
    opened = [line for line in lines if re.search(r"\b(?:open|closed)\b", line[0], re.I)]
    if _CALL_WHEN.search(question):
        return [line for line in lines if re.search(r"\b(?:call|phone|ring)\b", line[0], re.I)][:2] or lines[:8]
    bare = [line for line in lines if len(line[0].split()) <= 8]
    return (bare or opened or lines)[:8]


def _covers(line: str, day: str) -> bool:
    named = [DAYS.index(found) for found in re.findall("|".join(DAYS), line.casefold())]
    wanted = DAYS.index(day)
    if len(named) == 2 and re.search(r"day (?:to|until|through)|day ?[–-]", line, re.I):
        return named[0] <= wanted <= named[1]
    return wanted in named or bool(re.search(r"\b(?:daily|every day)\b", line, re.I))


def wants_person(text: str) -> str | None:
    """The language, other than English, in which somebody asks for a person."""
    said = text.casefold()
    if len(said) > PERSON_CHARS:
        return None
    found = [(len(phrase), lang) for phrase, lang in heard("person").items() if lang != "en" and phrase in said]
    return max(found)[1] if found else None
