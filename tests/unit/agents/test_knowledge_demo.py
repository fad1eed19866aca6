"""What a newcomer asks the demo shop: the page that says so is cited first, and the words that say it are quoted."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from backends.memory.log import MemorySettingsStore
from bench.knowledge.judge import first_source
from bench.knowledge.site import served
from leflux.agents.base import Delta, Done, Question
from leflux.agents.knowledge.agent import KnowledgeAgent
from leflux.config import CrawlerSettings
from leflux.crawling.crawl import crawl
from leflux.protocol import StoredMessage
from leflux.sites.crawled_pages import CrawledPages
from leflux.sites.registry import Site
from leflux.web.demo import render

SITE = Site(id="docs", name="Northlight", allowed_hosts=["127.0.0.1"])
ANSWERABLE = [
    ("How long does shipping take?", ("shipping.html",), "2 to 4 working days"),
    ("Which lamps are there?", ("lamps/",), "Six lamps"),
    ("How heavy is Fjell?", ("lamps/fjell.html", "shipping.html"), "14.5 kg"),
    ("What does shipping cost?", ("shipping.html",), "6.90"),
    ("Do you deliver to Norway?", ("shipping.html",), "5 to 8 working days"),
    ("Can I return a lamp?", ("returns.html",), "60 days"),
    ("How can I pay?", ("faq.html",), "PayPal"),
    ("Which lamp may stand in the rain?", ("faq.html", "lamps/vandra.html"), "Vandra"),
    ("How do I clean brass?", ("care.html",), "lemon"),
    ("Where are your showrooms?", ("about.html",), "Hamburg"),
    ("How do I change the battery of Vandra?", ("care.html",), "coin"),
    ("Can I cancel my order?", ("faq.html",), "48 hours"),
    ("Do you have gift cards?", ("faq.html",), "€25"),
    ("How much is Halden?", ("lamps/halden.html", "faq.html", "lamps/"), "€189"),
    ("Which bulb does Lykke take?", ("care.html", "faq.html", "lamps/lykke.html"), "E14"),
    ("My lamp flickers, what can I do?", ("care.html",), "dimmer"),
    ("What is a demo?", ("faq.html",), "Thirty minutes"),
    ("What happens if my lamp arrives broken?", ("shipping.html",), "photo within 14 days"),
]
UNANSWERABLE = [
    "How do I bake bread?",
    "Who won the world cup?",
    "How do I install Python?",
    "Can I rent a car?",
    "What is the capital of Australia?",
    "Do you sell shoes?",
]


async def test_the_demo_shop_answers_what_a_newcomer_asks(tmp_path: Path) -> None:
    for name, body in render().items():
        file = tmp_path / "demo" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    pages = CrawledPages(MemorySettingsStore())
    with served(tmp_path) as base:
        await crawl(SITE, f"{base}demo/index.html", pages, CrawlerSettings(private_hosts=["127.0.0.1"]))
    agent = KnowledgeAgent([SITE], pages)
    try:
        for ask, expected, said in ANSWERABLE:
            text, data = await asked(agent, ask)
            assert data["answered"], ask
            assert urlsplit(data["sources"][0]["url"]).path.removeprefix("/demo/") in expected, (ask, data)
            assert said in text, (ask, text)
        for ask in UNANSWERABLE:
            assert await first_source(agent, ask) is None, ask
    finally:
        await agent.close()


async def asked(agent: KnowledgeAgent, ask: str) -> tuple[str, dict[str, Any]]:
    async def nothing(_: int = 0) -> Any:
        return []

    async def context() -> tuple[bytes | None, bytes | None]:
        return None, None

    message = StoredMessage(id="0", seq=1, role="visitor", text=ask, ts=0)
    text, data = "", None
    async for event in agent.reply(Question(SITE.id, "0", message, nothing, context)):
        if isinstance(event, Delta):
            text += event.text
        elif isinstance(event, Done):
            data = event.data
    if data is None:
        pytest.fail(f"{ask}: no answer")
    return text, data
