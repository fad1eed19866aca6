"""A model is kept to the site's pages: what no passage supports is not shown, and the pages answer when it fails."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from leflux.agents.base import Delta, Done, Question
from leflux.agents.knowledge.agent import KnowledgeAgent
from leflux.agents.openai.agent import OpenAIAgent
from leflux.config import OpenAISettings
from leflux.protocol import StoredMessage
from leflux.sites.crawled_pages import CrawledPages
from tests.knowledge.judge import SITES, read_site
from tests.server.model_server import Answer, ModelServer, chunk, model_server, status, streamed, text

SITE = SITES["vets"]


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[CrawledPages]:
    async with read_site("vets", tmp_path) as read:
        yield read


async def answer(
    model: ModelServer, pages: CrawledPages, asked: str, *answers: Answer, locale: str = "en", patience: float = 60.0
) -> tuple[str, dict[str, object]]:
    model.answers += answers
    knowledge = KnowledgeAgent([SITE], pages)
    settings = OpenAISettings(base_url=model.url, model="m")
    told = {SITE.id: "Speak like a sailor."}
    agent = OpenAIAgent(settings, 0.01, knowledge=knowledge, instructions=told, patience=patience)

    async def history(_: int) -> list[StoredMessage]:
        return []

    async def context() -> tuple[bytes | None, bytes | None]:
        return msgspec.json.encode({"locale": locale}), None

    message = StoredMessage(id="q", seq=1, role="visitor", text=asked, ts=0)
    said, data = "", {}
    async for event in agent.reply(Question(SITE.id, "s", message, history, context)):
        if isinstance(event, Delta):
            said += event.text
        elif isinstance(event, Done):
            data = event.data
    await agent.close()
    return said, data


async def test_an_invented_price_is_not_shown(model: ModelServer, pages: CrawledPages) -> None:
    said, data = await answer(
        model,
        pages,
        "What does a pet passport cost?",
        text("A pet passport for travel in the EU ", "costs €70 [1]. It", " costs only €19 for kittens [1]. ", "Ahoy!"),
    )
    assert "€70" in said
    assert "19" not in said
    assert "Ahoy!" in said
    assert data["answered"] is True
    assert [source["title"] for source in data["sources"]] == ["Treatments and prices › Pet passport"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "invented",
    [
        "A consultation for a cat costs €15 [1].",
        "Yes, we treat parrots and lizards every morning [1].",
        "Grooming takes 45 minutes [2].",
        "Boarding is free of charge for returning customers.",
        "We opened 1987 [9].",
    ],
)
async def test_a_model_that_only_invents_is_replaced_by_the_pages(
    model: ModelServer, pages: CrawledPages, invented: str
) -> None:
    said, _ = await answer(model, pages, "How much is a consultation for a cat?", text(invented))
    assert invented[:-5] not in said
    assert "€50" in said


async def test_a_price_of_another_thing_is_not_shown(model: ModelServer, pages: CrawledPages) -> None:
    said, _ = await answer(
        model, pages, "What does a house call cost?", text("The missed appointment fee for a pet passport is €35 [1].")
    )
    assert "passport" not in said


async def test_citations_name_passages_that_exist(model: ModelServer, pages: CrawledPages) -> None:
    said, _ = await answer(
        model, pages, "Do you take cheques?", text("No, we do not take cheques [77]. Please ask us.[0]")
    )
    assert "[77]" not in said
    assert "[0]" not in said
    assert "cheques. [" in said


async def test_the_model_reads_passages_as_data_and_the_owners_instructions(
    model: ModelServer, pages: CrawledPages
) -> None:
    await answer(model, pages, "What does a pet passport cost?", text("Ask us."))
    rules, data = (message["content"] for message in model.requests[0]["messages"][:2])
    assert "Speak like a sailor." in rules
    assert "€70" in data
    assert "€70" not in rules
    assert data.splitlines()[0] == data.splitlines()[-1]


@pytest.mark.parametrize(
    "broken", [status(401), streamed(chunk("stop"), "data: [DONE]\n\n"), streamed(chunk(content="Half"), cut=True)]
)
async def test_when_the_model_fails_the_pages_answer_in_the_same_turn(
    model: ModelServer, pages: CrawledPages, broken: Answer
) -> None:
    said, data = await answer(model, pages, "What does a pet passport cost?", broken)
    assert "€70" in said
    assert "Half" not in said
    assert data["answered"] is True


async def test_when_the_model_is_silent_the_pages_answer_before_the_deadline(
    model: ModelServer, pages: CrawledPages
) -> None:
    said, _ = await answer(model, pages, "What does a pet passport cost?", streamed(hang=model.released), patience=0.2)
    assert "€70" in said


async def test_an_answer_in_another_language_is_checked_by_its_numbers(model: ModelServer, pages: CrawledPages) -> None:
    said, _ = await answer(
        model,
        pages,
        "What does a pet passport cost?",
        text("Der Heimtierausweis kostet 70 € [1]. Danach kostet er 12 € [1]."),
        locale="de",
    )
    assert "70 €" in said
    assert "12" not in said
