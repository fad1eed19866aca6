"""`agent.kind: knowledge`: answers from the site's crawled pages, without a key or an account.

It quotes the sentence that answers and names its page, or says that it found nothing and offers a way on. It writes no
sentence about the site itself.
"""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Struct

from leflux.agents.base import AgentEvent, Delta, Done, Plan, PlannedStep, Question
from leflux.agents.knowledge.answers import QuestionReader, owners_answer
from leflux.agents.knowledge.contact import opening_hours
from leflux.agents.knowledge.indexes import IndexNotReady, SiteIndexes
from leflux.agents.knowledge.page_names import destination
from leflux.agents.knowledge.quoting import inert, link, source_title, source_url
from leflux.agents.knowledge.site_knowledge import SiteKnowledge
from leflux.agents.knowledge.small_talk import small_talk
from leflux.common.catalogue import language, say
from leflux.protocol.owner_api import OwnerAnswer
from leflux.sites.crawled_pages import CrawledPage, CrawledPages, Section
from leflux.sites.owner_answers import OwnerAnswers
from leflux.sites.registry import HostNotRegistered, OriginRequired, Site, Sites

if TYPE_CHECKING:
    from leflux.agents.knowledge.embeddings import Embedder, Matrix

LOOK_BACK = 12
NEAR = 2
_PIECES = re.compile(r"\S*\s+|\S+")
PIECE_WORDS = 8


class VisitorPage(Struct):
    """What the visitor's browser says of itself. Untrusted."""

    url: str = ""
    locale: str = ""


class _Inquiry(Struct, frozen=True):
    """One question with what it is asked on. `origin`: that of the visitor's page, for a site that LeFlux serves."""

    site: Site
    text: str
    before: Sequence[str]
    here: str
    lang: str
    known: SiteKnowledge
    origin: str | None


class KnowledgeAgent:
    """Answers the questions of every site in `sites`."""

    def __init__(self, sites: Iterable[Site], pages: CrawledPages, embedder: "Embedder | None" = None) -> None:
        self._answers = OwnerAnswers(pages.store)
        self._sites = {site.id: site for site in sites}
        self._indexes = SiteIndexes(pages, {site.id: site.name for site in self._sites.values()}, embedder)
        self._embedder = embedder

    async def warm(self) -> None:
        """Build the indexes before the first question."""
        for site_id in self._sites:
            try:
                await self._indexes.of(site_id)
            except IndexNotReady:
                continue

    async def close(self) -> None:
        await self._indexes.close()
        if self._embedder is not None:
            await self._embedder.close()

    async def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        site = self._sites[question.site_id]
        page = visitor_page((await question.context())[0])
        lang = language(page.locale)
        if (said := small_talk(question.message.text, site.name, lang)) is not None:
            answer: Plan | tuple[str, Any] = said, None
        else:
            answer = await self._answer(question, site, page, lang)
        if isinstance(answer, Plan):
            yield answer
            return
        for piece in pieces(answer[0]):
            yield Delta(piece)
        yield Done(answer[1])

    async def owned(self, question: Question) -> OwnerAnswer | None:
        """What the owner has written for this question."""
        answers = await self._answers.of(question.site_id)
        known = await self.known(question.site_id) if answers else None
        return owners_answer(answers, question.message.text, known)

    async def known(self, site_id: str) -> SiteKnowledge | None:
        """What is known of a site; None while nothing is."""
        try:
            found = await self._indexes.of(site_id)
        except IndexNotReady:
            return None
        return found if found is not None and found.index.pages else None

    async def _answer(self, question: Question, site: Site, page: VisitorPage, lang: str) -> Plan | tuple[str, Any]:
        if (owned := await self.owned(question)) is not None:
            return _owned(owned, lang)
        try:
            known = await self._indexes.of(site.id)
        except IndexNotReady:
            return say(lang, "reading"), {"answered": False}
        if known is None or not known.index.pages:
            return say(lang, "unread"), {"answered": False}
        before = [message.text for message in await question.history(LOOK_BACK) if message.role == "visitor"]
        origin = _origin(page.url, site) if known.head.own else None
        asked = _Inquiry(site, question.message.text, before, page.url, lang, known, origin)
        if (plan := _journey(asked)) is not None:
            return plan
        reader = QuestionReader(known, before, page.url, lang)
        return _answered(asked, reader, await self.likeness(known, reader.question(asked.text)))

    async def likeness(self, known: SiteKnowledge, text: str) -> "Matrix | None":
        """How like each passage is to the question in meaning, where that can be told."""
        if self._embedder is None or known.meaning is None:
            return None
        vector = await self._embedder.question(text)
        return None if vector is None else known.meaning.closeness(vector)


def _answered(asked: _Inquiry, reader: QuestionReader, likeness: "Matrix | None") -> tuple[str, dict[str, Any]]:
    kind = reader.reach(asked.text)
    if reader.foreign is not None:
        asked = msgspec.structs.replace(asked, lang=reader.foreign)
    if kind is not None and (said := _contact(asked, kind)) is not None:
        return said
    quoted = reader.answer(asked.text, likeness)
    if quoted is None:
        return _declined(asked), {"answered": False}
    if quoted.choices:
        said_choices = ", ".join(map(inert, quoted.choices))
        return say(asked.lang, "which", choices=said_choices), {"answered": False, "choices": list(quoted.choices)}
    text, data = _told(asked, quoted.lines, quoted.sources)
    foreign = reader.foreign or (asked.lang if asked.lang != (asked.known.index.words.lang or "en") else None)
    return (f"{say(foreign, 'other_language')} {text}" if foreign else text), data


def _owned(answer: OwnerAnswer, lang: str) -> tuple[str, dict[str, Any]]:
    """The owner's own words, or the page that they point to."""
    sources = [{"title": answer.url, "url": answer.url}] if answer.url else []
    text = answer.text.strip() or say(lang, "near", pages=link(answer.url, answer.url))
    return text, {"answered": True, "sources": sources, "owner": True}


def _told(
    asked: _Inquiry, lines: Sequence[str], sources: Sequence[tuple[CrawledPage, Section | None]]
) -> tuple[str, dict[str, Any]]:
    """The answer's text, and `{answered, sources: [{title, url}]}`. The page shows the sources."""
    named = {source_url(page, section): source_title(page, section) for page, section in sources}
    shown = [{"title": title, "url": _moved(url, asked.origin)} for url, title in named.items()]
    text = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    return text, {"answered": True, "sources": shown}


def _contact(asked: _Inquiry, kind: str) -> tuple[str, dict[str, Any]] | None:
    """How to reach a person, or the one fact that is asked for."""
    contact = asked.known.contact
    page = [(contact.page, None)] if contact.page is not None else []
    if kind == "person":
        ways = contact.ways(asked.lang, _link(asked, contact.page))
        key = "person" if ways else "person_unknown"
        return say(asked.lang, key, site=asked.site.name, ways=ways), {"answered": True, "person": True}
    if kind == "hours":
        lines = opening_hours(contact, asked.text)
        return _told(asked, [inert(line) for line, _ in lines], [(lines[0][1], None)]) if lines else None
    values = {"phone": contact.phones, "email": contact.emails, "address": contact.addresses}[kind]
    return _told(asked, [say(asked.lang, kind, value=values[0])], page) if values else None


def _declined(asked: _Inquiry) -> str:
    """Says that nothing was found, and offers near pages and a person."""
    near = [hit.page for hit in asked.known.index.search(asked.text, NEAR) if hit.on_page >= 0.5]
    ways = asked.known.contact.ways(asked.lang, _link(asked, asked.known.contact.page))
    said = [say(asked.lang, "not_found", site=asked.site.name)]
    if near:
        links = ", ".join(link(page.title, _moved(page.url, asked.origin)) for page in near)
        said.append(say(asked.lang, "near", pages=links))
    said.append(say(asked.lang, "ask_person", ways=ways) if ways else say(asked.lang, "other_words"))
    return " ".join(said)


def _link(asked: _Inquiry, page: CrawledPage | None) -> str | None:
    return None if page is None else link(page.title, _moved(page.url, asked.origin))


def _journey(asked: _Inquiry) -> Plan | None:
    """The page that the visitor asks to be taken to."""
    wish = destination(asked.text)
    if wish is None:
        return None
    name, plainly = wish
    page = asked.known.names.find(name)
    if page is None and plainly and (chosen := asked.known.chooser.choose(name)) is not None:
        page = asked.known.index.pages[chosen.passage.page]
    if page is None:
        return None
    url = _moved(page.url, asked.origin)
    step = PlannedStep("navigate", url=url, description=page.title)
    data = {"answered": True, "sources": [{"title": page.title, "url": url}]}
    going = say(asked.lang, "going", page=link(page.title, url))
    return Plan([step], say=going, done=say(asked.lang, "arrived"), data=data)


def visitor_page(context: bytes | None) -> VisitorPage:
    """What the stored page context says."""
    try:
        return msgspec.json.decode(context or b"{}", type=VisitorPage)
    except msgspec.DecodeError:
        return VisitorPage()


def _origin(url: str, site: Site) -> str | None:
    """The origin of the visitor's page, if it belongs to the site. A site that LeFlux serves itself is crawled under
    one name and may be visited under another.
    """
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        Sites([site]).find(origin, None, "GET", None)
    except (ValueError, HostNotRegistered, OriginRequired):
        return None
    return origin


def _moved(url: str, origin: str | None) -> str:
    if origin is None:
        return url
    parts = urlsplit(url)
    return urlunsplit((*urlsplit(origin)[:2], *parts[2:]))


def pieces(text: str) -> Iterable[str]:
    """The text in chunks of a few words."""
    words = _PIECES.findall(text)
    for start in range(0, len(words), PIECE_WORDS):
        yield "".join(words[start : start + PIECE_WORDS])
