"""Crawls the site, asks every question, and counts."""

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Struct

from backends.memory_log import MemorySettings
from leflux.agents.base import Delta, Done, Turn
from leflux.agents.knowledge import KnowledgeAgent
from leflux.config import CrawlerSettings
from leflux.crawling.crawl import crawl
from leflux.site_pages import SitePages
from leflux.sites import Site
from leflux.wire import StoredMessage

QUESTIONS = Path(__file__).with_name("questions.yaml")
# Written later and blind: nothing was tuned on it.
FRESH = Path(__file__).with_name("held_out.yaml")
# Written blind as well; its verdicts are not kept, so that nobody reads them.
THIRD = Path(__file__).with_name("third.yaml")
PAGE_CAP = 1_000
SITE = Site(id="docs", name="the documentation", allowed_hosts=["127.0.0.1"])
# One question in so many was not looked at while the agent was tuned.
HELD_OUT = 3


class Question(Struct, frozen=True):
    """`pages`: the paths that answer it well; empty: the site cannot answer it."""

    ask: str
    pages: list[str] = []


class Questions(Struct, frozen=True):
    answerable: list[Question]
    unanswerable: list[Question]


class Verdict(Struct, frozen=True):
    """What became of one question. `cited`: the path of the first source, or None when it was declined.

    `fresh`: it is of the second set or the third.
    """

    ask: str
    expected: list[str]
    cited: str | None
    held_out: bool
    fresh: bool
    ms: float

    @property
    def right(self) -> bool:
        return self.cited in self.expected if self.expected else self.cited is None


class Figures(Struct, frozen=True):
    """Shares, 0..1: of answerable questions whose first source is right, and of the others that were declined."""

    cited: float
    declined: float
    answerable: int
    unanswerable: int


class Outcome(Struct, frozen=True):
    pages: int
    crawl_seconds: float
    again_seconds: float
    index_seconds: float
    ms_median: float
    ms_worst: float
    overall: Figures
    tuned: Figures
    held_out: Figures
    fresh: Figures
    third: Figures
    verdicts: list[Verdict]


async def judge(base: str) -> Outcome:
    """Crawl the site at `base` twice (the second time nothing has changed) and ask everything."""
    pages = SitePages(MemorySettings())
    settings = CrawlerSettings(page_cap=PAGE_CAP, private_hosts=["127.0.0.1"])
    started = time.perf_counter()
    crawled = await crawl(SITE, f"{base}index.html", pages, settings)
    crawl_seconds = time.perf_counter() - started
    started = time.perf_counter()
    again = await crawl(SITE, f"{base}index.html", pages, settings)
    again_seconds = time.perf_counter() - started
    if again.stored or again.removed:
        raise RuntimeError(f"the second crawl of an unchanged site stored {again.stored}, removed {again.removed}")
    agent = KnowledgeAgent([SITE], pages)
    started = time.perf_counter()
    await agent.warm()
    index_seconds = time.perf_counter() - started
    try:
        verdicts = [verdict for file in (QUESTIONS, FRESH) async for verdict in _verdicts(agent, file)]
        third = [verdict async for verdict in _verdicts(agent, THIRD)]
    finally:
        await agent.close()
    times = sorted(verdict.ms for verdict in verdicts)
    return Outcome(
        pages=crawled.done,
        crawl_seconds=round(crawl_seconds, 1),
        again_seconds=round(again_seconds, 1),
        index_seconds=round(index_seconds, 1),
        ms_median=round(times[len(times) // 2], 1),
        ms_worst=round(times[-1], 1),
        overall=figures([verdict for verdict in verdicts if not verdict.fresh]),
        tuned=figures([verdict for verdict in verdicts if not (verdict.fresh or verdict.held_out)]),
        held_out=figures([verdict for verdict in verdicts if verdict.held_out]),
        fresh=figures([verdict for verdict in verdicts if verdict.fresh]),
        third=figures(third),
        verdicts=verdicts,
    )


def questions(file: Path = QUESTIONS) -> Questions:
    return msgspec.convert(yaml.safe_load(file.read_text("utf-8")), Questions)


def figures(verdicts: Sequence[Verdict]) -> Figures:
    answerable = [verdict for verdict in verdicts if verdict.expected]
    others = [verdict for verdict in verdicts if not verdict.expected]
    return Figures(
        cited=round(sum(verdict.right for verdict in answerable) / len(answerable), 3),
        declined=round(sum(verdict.right for verdict in others) / len(others), 3),
        answerable=len(answerable),
        unanswerable=len(others),
    )


async def _verdicts(agent: KnowledgeAgent, file: Path) -> AsyncIterator[Verdict]:
    asked, fresh = questions(file), file != QUESTIONS
    for batch in (asked.answerable, asked.unanswerable):
        for number, question in enumerate(batch):
            started = time.perf_counter()
            cited = await first_source(agent, question.ask)
            ms = (time.perf_counter() - started) * 1000
            held_out = not fresh and number % HELD_OUT == HELD_OUT - 1
            yield Verdict(question.ask, question.pages, cited, held_out, fresh, round(ms, 2))


async def first_source(agent: KnowledgeAgent, ask: str) -> str | None:
    """The path of the page that the answer cites first; None when the agent declines."""

    async def history(_: int) -> list[StoredMessage]:
        return []

    async def context() -> tuple[bytes | None, bytes | None]:
        return None, None

    message = StoredMessage(id="0", seq=1, role="visitor", text=ask, ts=0)
    done: Done | None = None
    text = ""
    async for event in agent.reply(Turn(SITE.id, "0", message, history, context)):
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Done):
            done = event
        else:
            return f"(a plan: {event})"
    sources = (done.data or {}).get("sources", []) if done is not None else []
    if not sources:
        return None
    url: str = sources[0]["url"]
    if url not in text:
        raise RuntimeError(f"the answer's text does not link its source: {text!r}")
    return urlsplit(url).path.lstrip("/")
