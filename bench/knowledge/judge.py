"""Crawls the site, asks every question, and counts."""

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import yaml
from msgspec import Struct

from backends.memory.log import MemorySettingsStore
from leflux.agents.base import Delta, Done, Question
from leflux.agents.knowledge.agent import KnowledgeAgent
from leflux.config import CrawlerSettings
from leflux.crawling.crawl import crawl
from leflux.protocol import StoredMessage
from leflux.sites.crawled_pages import CrawledPages
from leflux.sites.registry import Site

QUESTIONS = Path(__file__).with_name("questions.yaml")
# Written later without looking at the agent. Nothing was tuned on it.
FRESH = Path(__file__).with_name("held_out.yaml")
# Written without looking at the agent. Its verdicts are not stored, so that nobody tunes on them.
THIRD = Path(__file__).with_name("third.yaml")
PAGE_CAP = 1_000
SITE = Site(id="docs", name="the documentation", allowed_hosts=["127.0.0.1"])
# One question in so many was not looked at while the agent was tuned.
HELD_OUT = 3


class JudgedQuestion(Struct, frozen=True):
    """`pages`: the paths of right answers; empty when the site cannot answer."""

    ask: str
    pages: list[str] = []


class Questions(Struct, frozen=True):
    answerable: list[JudgedQuestion]
    unanswerable: list[JudgedQuestion]


class Verdict(Struct, frozen=True):
    """The verdict on one question. `cited`: the path of the first source, or None when the agent declined.

    `fresh`: the question is of the second or the third set.
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
    """Shares, 0..1: of answerable questions with the right first source, and of the others that were declined."""

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
    """Crawl the site at `base` twice, the second time without changes, and ask everything."""
    pages = CrawledPages(MemorySettingsStore())
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
    """The path of the first source; None when the agent declines."""

    async def history(_: int) -> list[StoredMessage]:
        return []

    async def context() -> tuple[bytes | None, bytes | None]:
        return None, None

    message = StoredMessage(id="0", seq=1, role="visitor", text=ask, ts=0)
    done: Done | None = None
    text = ""
    async for event in agent.reply(Question(SITE.id, "0", message, history, context)):
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
    return urlsplit(url).path.lstrip("/")
