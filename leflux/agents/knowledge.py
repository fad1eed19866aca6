"""`agent.kind: knowledge`: answers from the site's crawled pages, with no key and no account.

It quotes the passage that answers, says where it stands, and says so plainly when it has found none. It makes up
nothing, because it writes nothing of its own about the site.
"""

import re
from collections.abc import AsyncGenerator, Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from leflux.agents.base import AgentEvent, Delta, Done, Plan, PlannedStep, Turn
from leflux.agents.quoting import link, quotation, source_title, source_url
from leflux.agents.search import Hit, Index
from leflux.agents.shelf import Book, NotReady, Shelf
from leflux.agents.signposts import destination
from leflux.agents.small_talk import small_talk
from leflux.site_pages import Page, SitePages
from leflux.sites import HostNotRegistered, OriginRequired, Site, Sites

# Below any of these the best passage is no answer. The figures come from `bench/knowledge`.
CONFIDENCE = 0.21
RARITY = 0.09
# The question has no word that points anywhere: each is said on a large part of the site.
SUBSTANCE = 0.3
# A second page is named when it is nearly as good as the first.
ALSO = 0.85
LOOK_BACK = 6
FOLLOW_UP_WORDS = 4

_FOLLOW_UP = re.compile(
    r"(?:and|or|but|also|so|what about|how about|ok)\b|.*\b(?:it|that|this|they|them|those|there)\b", re.I
)
_PIECES = re.compile(r"\S*\s+|\S+")
PIECE_WORDS = 8


class KnowledgeAgent:
    """Answers the questions of every site in `sites`."""

    def __init__(self, sites: Iterable[Site], pages: SitePages) -> None:
        self._sites = {site.id: site for site in sites}
        self._shelf = Shelf(pages)

    async def warm(self) -> None:
        """Build the indexes before the first question comes."""
        for site_id in self._sites:
            try:
                await self._shelf.book(site_id)
            except NotReady:
                continue

    async def close(self) -> None:
        await self._shelf.close()

    async def reply(self, turn: Turn) -> AsyncGenerator[AgentEvent, None]:
        site = self._sites[turn.site_id]
        text = turn.question.text
        if (said := small_talk(text, site.name)) is not None:
            event, data = said, None
        else:
            answer = await self._answer(turn, site, text)
            if isinstance(answer, Plan):
                yield answer
                return
            event, data = answer
        for piece in pieces(event):
            yield Delta(piece)
        yield Done(data)

    async def _answer(self, turn: Turn, site: Site, text: str) -> Plan | tuple[str, Any]:
        try:
            book = await self._shelf.book(site.id)
        except NotReady:
            return "I am still reading this site. Please ask again in a moment.", {"answered": False}
        if book is None or not book.index.pages:
            return "I cannot answer yet: this site has not been indexed.", {"answered": False}
        here = await _origin_here(turn, site) if book.head.own else None
        if (plan := _journey(book, text, here)) is not None:
            return plan
        hits = book.index.search(text)
        if not hits or not is_answer(hits[0]):
            hits = await self._follow_up(turn, book.index, text) or []
        if not hits:
            said = f"I could not find that on the pages of {site.name}."
            return f"{said} Other words may help, or a more specific question.", {"answered": False}
        return compose(hits, text, book.index, here)

    async def _follow_up(self, turn: Turn, index: Index, text: str) -> list[Hit] | None:
        """ "And to Norway?" is read together with the question before it."""
        if len(index.words.terms(text)) > FOLLOW_UP_WORDS or not _FOLLOW_UP.match(text.strip()):
            return None
        earlier = [message.text for message in await turn.history(LOOK_BACK) if message.role == "visitor"]
        if not earlier:
            return None
        hits = index.search(f"{earlier[-1]} {text}")
        return hits if hits and is_answer(hits[0]) else None


def confidence(hit: Hit) -> float:
    """Up to 1: how much of the question the passage and its page speak of, less what rare words make it doubtful:
    those of a question that the site cannot answer are rarer on it, even the ones that it says."""
    return 0.5 * hit.coverage + 0.5 * hit.on_page - RARITY * hit.rarity


def is_answer(hit: Hit) -> bool:
    """Whether the hit is good enough to be told; an honest "not found" is better than a guess."""
    return hit.exact or (hit.substance >= SUBSTANCE and confidence(hit) >= CONFIDENCE)


def compose(hits: list[Hit], question: str, index: Index, here: str | None) -> tuple[str, dict[str, Any]]:
    """The answer's text, and `{answered, sources: [{title, url}]}`, the first source being the one quoted."""
    first = hits[0]
    told = [hit for hit in hits if hit is first or (is_answer(hit) and hit.score >= ALSO * first.score)]
    sources = [
        {"title": source_title(hit.page, hit.passage), "url": _moved(source_url(hit.page, hit.passage), here)}
        for hit in told
    ]
    lines = [quotation(first.passage, index.best_block(first.passage, question))]
    lines.append("From " + link(sources[0]["title"], sources[0]["url"]))
    if len(sources) > 1:
        lines.append("See also " + ", ".join(link(source["title"], source["url"]) for source in sources[1:]))
    return "\n\n".join(lines), {"answered": True, "sources": sources}


def _journey(book: Book, text: str, here: str | None) -> Plan | None:
    """The way to the page that the visitor asks to be taken to."""
    wish = destination(text)
    if wish is None:
        return None
    name, plainly = wish
    page = book.signposts.find(name)
    if page is None and plainly:
        hits = book.index.search(name, 1)
        page = hits[0].page if hits and is_answer(hits[0]) else None
    return _plan(page, here) if page is not None else None


def _plan(page: Page, here: str | None) -> Plan:
    url = _moved(page.url, here)
    step = PlannedStep("navigate", url=url, description=f"Open {page.title}")
    data = {"answered": True, "sources": [{"title": page.title, "url": url}]}
    shown = link(page.title, url)
    return Plan(
        [step], say=f"I am taking you to {shown}.", done="Here you are. What would you like to know?", data=data
    )


async def _origin_here(turn: Turn, site: Site) -> str | None:
    """The origin of the page that the visitor is on, if it is the site's: a site that LeFlux serves itself was crawled
    under one name, and may be visited under another, where the browser keeps another conversation."""
    context, _ = await turn.context()
    try:
        url = msgspec.json.decode(context or b"{}", type=_Place).url
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        Sites([site]).find(origin, None, "GET", None)
    except (msgspec.DecodeError, ValueError, HostNotRegistered, OriginRequired):
        return None
    return origin


class _Place(msgspec.Struct):
    url: str = ""


def _moved(url: str, origin: str | None) -> str:
    if origin is None:
        return url
    parts = urlsplit(url)
    return urlunsplit((*urlsplit(origin)[:2], *parts[2:]))


def pieces(text: str) -> Iterable[str]:
    """The text in chunks of a few words, as a visitor reads it."""
    words = _PIECES.findall(text)
    for start in range(0, len(words), PIECE_WORDS):
        yield "".join(words[start : start + PIECE_WORDS])
