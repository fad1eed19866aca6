"""Asks a knowledge agent judged questions and counts what its answers say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from backends.memory.log import MemorySettingsStore
from bench.knowledge.site import served
from leflux.agents.base import Agent, Ask, Delta, Done, Plan, Question
from leflux.config import CrawlerSettings
from leflux.crawling.crawl import crawl
from leflux.protocol import StoredMessage
from leflux.sites.crawled_pages import CrawledPages
from leflux.sites.registry import Site
from leflux.web.demo import render

HERE = Path(__file__).parent
READ_CHARS = 350
SITES = {
    "shop": Site(id="shop", name="Northlight", allowed_hosts=["127.0.0.1"]),
    "bakery": Site(id="bakery", name="Morgenrot Bakery", allowed_hosts=["127.0.0.1"]),
    "vets": Site(id="vets", name="Harbour Vets", allowed_hosts=["127.0.0.1"]),
    "python": Site(id="python", name="the documentation", allowed_hosts=["127.0.0.1"]),
}


class Case(Struct, frozen=True):
    """`says`: what the beginning of a right answer holds (`&` and, `|` or). Without it, the site cannot answer."""

    ask: str
    says: str = ""
    never: str = ""
    after: list[str] = []


class Verdict(Struct, frozen=True):
    case: Case
    text: str
    answered: bool

    @property
    def right(self) -> bool:
        if self.absurd:
            return False
        return holds(self.text[:READ_CHARS], self.case.says) if self.case.says else not self.answered

    @property
    def wrong(self) -> bool:
        """An answer that says something else. Silence is not wrong."""
        return self.absurd or (self.answered and not self.right)

    @property
    def absurd(self) -> bool:
        return bool(self.case.never) and self.case.never.casefold() in self.text.casefold()


class Figures(Struct, frozen=True):
    """Shares of the answerable questions, and of the others that were declined."""

    right: float
    wrong: float
    declined: float
    asked: int


def holds(text: str, says: str) -> bool:
    shown = text.casefold().replace("`", "")
    return any(all(part.strip().casefold() in shown for part in choice.split("&")) for choice in says.split("|"))


def cases(file: str = "questions.yaml") -> dict[str, list[Case]]:
    return msgspec.convert(yaml.safe_load((HERE / file).read_text("utf-8")), dict[str, list[Case]])


def figures(verdicts: Sequence[Verdict]) -> Figures:
    answerable = [verdict for verdict in verdicts if verdict.case.says]
    others = [verdict for verdict in verdicts if not verdict.case.says]
    return Figures(
        right=round(sum(verdict.right for verdict in answerable) / max(1, len(answerable)), 3),
        wrong=round(sum(verdict.wrong for verdict in verdicts) / max(1, len(verdicts)), 3),
        declined=round(sum(verdict.right for verdict in others) / max(1, len(others)), 3),
        asked=len(verdicts),
    )


@asynccontextmanager
async def read_site(name: str, folder: Path) -> AsyncIterator[CrawledPages]:
    """The crawled pages of a site; the shop is rendered into `folder`."""
    source, start = HERE / name, "index.html"
    if name == "shop":
        source, start = folder, "demo/index.html"
        for path, body in render().items():
            file = folder / "demo" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
    elif name == "python":
        source = folder
    pages = CrawledPages(MemorySettingsStore())
    with served(source) as base:
        settings = CrawlerSettings(page_cap=1_000, private_hosts=["127.0.0.1"])
        await crawl(SITES[name], f"{base}{start}", pages, settings)
    yield pages


async def ask(agent: Agent, site: str, case: Case, here: str = "", locale: str = "en") -> Verdict:
    """Ask one question. The questions before it are in the history."""

    async def history(count: int) -> list[StoredMessage]:
        said = [
            StoredMessage(id=str(n), seq=n + 1, role="visitor", text=text, ts=0) for n, text in enumerate(case.after)
        ]
        return said[-count:]

    async def context() -> tuple[bytes | None, bytes | None]:
        return msgspec.json.encode({"url": here, "locale": locale}), None

    message = StoredMessage(id="q", seq=len(case.after) + 1, role="visitor", text=case.ask, ts=0)
    text, answered = "", True
    async for event in agent.reply(Question(SITES[site].id, "s", message, history, context)):
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Ask | Plan):
            text += event.text if isinstance(event, Ask) else event.say
        elif isinstance(event, Done) and isinstance(event.data, dict):
            answered = bool(event.data.get("answered", True))
    return Verdict(case, text, answered)
