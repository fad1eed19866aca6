"""Keeps a model to what the site says: the passages that it is shown, and the check of every sentence that it writes.

A sentence with a number, a price or a yes or no is kept only when one passage says so of the same thing; any other
sentence is kept. What the visitor or the page of the visitor says counts as a passage that cannot be cited.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

import msgspec
from msgspec import Struct

from leflux.agents.base import AgentEvent, Delta, Done, Plan, Question
from leflux.agents.knowledge.agent import LOOK_BACK, KnowledgeAgent, visitor_page
from leflux.agents.knowledge.answers import QuestionReader
from leflux.agents.knowledge.offers import PRICE
from leflux.agents.knowledge.quoting import source_title, source_url
from leflux.agents.knowledge.site_knowledge import SiteKnowledge
from leflux.common.catalogue import heard, language

PASSAGES = 6
PASSAGE_CHARS = 1_200
# The least share of a sentence's words that stand in the passage which supports it.
SHARED = 0.5
_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = re.compile(rf"\d+(?:[.,:]\d+)*|\b(?:{'|'.join(_COUNTED[1:])})\b", re.I)
_CITED = re.compile(r"\s?\[(\d{1,3})\]")
_END = re.compile(r"(?:[.!?…][\"”’)*]*(?:\s?\[\d{1,3}\])*(?=\s)|[。！？](?:\s?\[\d{1,3}\])*)\s*|\n+")
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*])\s+")
_FREE = re.compile(r"\b(?:free|gratis|kostenlos|gratuit\w*|gratuito|bezpłatn\w*)\b", re.I)


class Source(Struct, frozen=True):
    """A passage of the site. `title`, `url`: where it says so."""

    text: str
    title: str
    url: str


class Grounding:
    """The passages of one question. `known` reads the words; `said`: what the visitor and their page say.

    `same_language`: whether the answer is written in the site's language, so that its words can be compared.
    """

    def __init__(self, known: SiteKnowledge, sources: Sequence[Source], said: str, same_language: bool) -> None:
        self.sources = sources
        self._known = known
        self._same_language = same_language
        self._cited: dict[int, None] = {}
        self._units = [*(f"{source.title}\n{source.text}" for source in sources), said]
        self._terms = [frozenset(known.index.words.terms(unit)) for unit in self._units]
        self._numbers = [numbers(unit) for unit in self._units]
        self.dropped = 0

    def told(self) -> str:
        """The numbered passages, for the prompt."""
        return "\n\n".join(f"[{place}] {one.title}\n{one.text}" for place, one in enumerate(self.sources, 1))

    def cited(self) -> list[dict[str, str]]:
        """The pages that the kept sentences name, in that order."""
        found = {self.sources[place - 1].url: self.sources[place - 1].title for place in self._cited}
        return [{"title": title, "url": url} for url, title in found.items()]

    def checked(self, sentence: str) -> str:
        """The sentence with its citations, without those of passages that do not exist; empty when nothing supports
        it.
        """
        named = [int(place) for place in _CITED.findall(sentence)]
        places = [place for place in named if 0 < place <= len(self.sources)]
        plain = _CITED.sub("", sentence)
        if self._states(plain):
            supporting = [place for place in range(len(self._units)) if self._supports(place, plain)]
            if not supporting:
                self.dropped += 1
                return ""
            places = [place for place in places if place - 1 in supporting] or [
                place + 1 for place in supporting[:1] if place < len(self.sources)
            ]
        self._cited |= dict.fromkeys(places)
        text = plain.rstrip()
        marks = "".join(f" [{place}]" for place in dict.fromkeys(places))
        return text + marks + plain[len(text) :]

    def _states(self, sentence: str) -> bool:
        return bool(numbers(sentence) or PRICE.search(sentence) or _FREE.search(sentence) or _is_yes_no(sentence))

    def _supports(self, place: int, sentence: str) -> bool:
        if not numbers(sentence) <= self._numbers[place]:
            return False
        if _FREE.search(sentence) and not _FREE.search(self._units[place]) and self._same_language:
            return False
        priced = {number for price in PRICE.findall(sentence) for number in numbers(price)}
        if not priced <= {number for price in PRICE.findall(self._units[place]) for number in numbers(price)}:
            return False
        if any(not offer.key <= self._terms[place] for offer in self._known.chooser.named(sentence)):
            return False
        if not self._same_language:
            return True
        words = [word for word in self._known.index.words.terms(sentence) if not word[0].isdigit()]
        return not words or sum(word in self._terms[place] for word in words) >= SHARED * len(words)


async def grounding(knowledge: KnowledgeAgent, question: Question, page: bytes | None) -> Grounding | None:
    """The passages for a question; None when the site has not been read."""
    known = await knowledge.known(question.site_id)
    if known is None:
        return None
    before = [message.text for message in await question.history(LOOK_BACK) if message.role == "visitor"]
    here = visitor_page(page)
    text = QuestionReader(known, before, here.url, language(here.locale)).question(question.message.text)
    likeness = await knowledge.likeness(known, text)
    found = [known.index.passages[number] for number, _ in known.index.candidates(text, likeness, PASSAGES)]
    sources = [
        Source(
            "\n".join(block.text for block in passage.blocks)[:PASSAGE_CHARS],
            source_title(known.index.pages[passage.page], passage.section),
            source_url(known.index.pages[passage.page], passage.section),
        )
        for passage in found
    ]
    said = "\n".join([*before, question.message.text, (page or b"").decode(errors="replace")])
    return Grounding(known, sources, said, language(here.locale) == (known.index.words.lang or "en"))


async def grounded(events: AsyncGenerator[AgentEvent, None], ground: Grounding) -> AsyncGenerator[AgentEvent, None]:
    """The model's events with only the sentences that are supported. Nothing at all when none was kept."""
    rest, shown = "", False
    async with aclosing(events) as every:
        async for event in every:
            if isinstance(event, Delta):
                *whole, rest = sentences(rest + event.text)
                for kept in filter(None, map(ground.checked, whole)):
                    shown = True
                    yield Delta(kept)
                continue
            if kept := ground.checked(rest) if rest.strip() else "":
                shown = True
                yield Delta(kept)
            rest = ""
            if isinstance(event, Plan):
                yield msgspec.structs.replace(event, say="".join(map(ground.checked, sentences(event.say))))
            elif not isinstance(event, Done):
                yield event
            elif shown:
                yield Done({"answered": True, "sources": ground.cited()})


def sentences(buffer: str) -> Iterator[str]:
    """The whole sentences of what has come, and at last the rest, which may be empty."""
    start = 0
    for found in _END.finditer(buffer):
        yield buffer[start : found.end()]
        start = found.end()
    yield buffer[start:]


def numbers(text: str) -> frozenset[str]:
    """The numbers of a text, each in one spelling; not those that count the items of a list."""
    found = _NUMBER.findall(_LIST_MARK.sub("", text))
    return frozenset(_plain(number.casefold()) for number in found)


def _plain(number: str) -> str:
    if number in _COUNTED:
        return str(_COUNTED.index(number) + 1)
    whole, _, cents = number.replace(",", ".").rpartition(".")
    return whole if whole and not cents.strip("0") and len(cents) == 2 else number.replace(",", ".")


def _is_yes_no(sentence: str) -> bool:
    first = re.match(r"\W*(\w+)", sentence)
    return first is not None and first[1].casefold() in heard("yes") | heard("no")
