"""Meaning beside words: vectors are made once, and whatever an endpoint returns instead, the words still answer."""

import math
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from backends.memory.log import MemorySettingsStore
from leflux.agents.knowledge.agent import KnowledgeAgent
from leflux.agents.knowledge.embeddings import Embedder, VectorsRefused, checked
from leflux.agents.knowledge.site_knowledge import SiteKnowledge
from leflux.config import EmbeddingSettings
from leflux.sites.crawled_pages import Head
from leflux.sites.stored_vectors import StoredVectors
from tests.unit.agents.test_knowledge import PAGES, SITE, ask, filled

KINDS = {"delivery": 0, "deliver": 0, "norway": 0, "post": 0, "return": 1, "refund": 1, "brass": 2, "charging": 3}


def meant(text: str) -> list[float]:
    """A vector by topics, as a model would give: words that mean the same point the same way."""
    vector = [0.01] * 5
    for word, place in KINDS.items():
        vector[place] += text.lower().count(word)
    return vector


class Endpoint:
    """An endpoint over HTTP. `broken` replaces what it answers."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.broken: Any = None

    async def handle(self, request: web.Request) -> web.Response:
        texts = (await request.json())["input"]
        self.asked.append(texts)
        if self.broken is not None:
            replaced: web.Response = self.broken(texts)
            return replaced
        return web.json_response(answer([meant(text) for text in texts]))


def answer(vectors: list[Any]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": number, "embedding": one} for number, one in enumerate(vectors)]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 0, "total_tokens": 0}}


BROKEN = {
    "another length": lambda texts: web.json_response(
        answer([meant(text)[: 4 - n % 2] for n, text in enumerate(texts)])
    ),
    "NaN": lambda texts: web.Response(
        text=str(answer([[math.nan] * 5 for _ in texts])).replace("'", '"').replace("nan", "NaN"),
        content_type="application/json",
    ),
    "zeros": lambda texts: web.json_response(answer([[0.0] * 5 for _ in texts])),
    "nothing": lambda _: web.json_response(answer([])),
    "no data": lambda _: web.json_response({"object": "list", "model": "m"}),
    "an error": lambda _: web.json_response({"error": "full"}, status=503),
    "no JSON": lambda _: web.Response(text="<html>", content_type="text/html"),
}


@pytest.fixture
async def endpoint() -> Any:
    serving = Endpoint()
    app = web.Application()
    app.router.add_post("/v1/embeddings", serving.handle)
    async with TestServer(app) as server:
        serving.url = str(server.make_url("/v1"))  # type: ignore[attr-defined]
        yield serving


def embedder(endpoint: Any, store: MemorySettingsStore) -> Embedder:
    return Embedder(EmbeddingSettings(endpoint.url, "m"), StoredVectors(store))


async def test_a_passage_is_embedded_once_and_its_vector_outlives_the_process(endpoint: Endpoint) -> None:
    store = MemorySettingsStore()
    known = SiteKnowledge.build(Head(generation=1), PAGES)
    for _ in range(2):
        made = embedder(endpoint, store)
        meaning = await made.meaning("shop", known.index)
        await made.close()
        assert meaning is not None
        assert len(meaning.vectors) == len(known.index.passages)
    assert sum(map(len, endpoint.asked)) == len(known.index.passages)


async def test_the_nearest_passage_in_meaning_is_found_without_a_common_word(endpoint: Endpoint) -> None:
    made = embedder(endpoint, MemorySettingsStore())
    known = SiteKnowledge.build(Head(generation=1), PAGES)
    meaning = await made.meaning("shop", known.index)
    assert meaning is not None
    vector = await made.question("post")
    assert vector is not None
    close = meaning.closeness(vector)
    assert close is not None
    number, _ = known.index.candidates("post", close)[0]
    assert known.index.pages[known.index.passages[number].page].title == "Shipping"
    assert meaning.closeness(vector[:3]) is None
    await made.close()


@pytest.mark.parametrize("how", BROKEN)
async def test_words_answer_when_the_endpoint_does_not(endpoint: Endpoint, how: str) -> None:
    endpoint.broken = BROKEN[how]
    agent = KnowledgeAgent([SITE], await filled(), embedder(endpoint, MemorySettingsStore()))
    assert "6.90 euro" in (await ask(agent, "How much does delivery cost?")).text
    await agent.close()
    assert endpoint.asked


async def test_words_answer_when_only_the_question_has_no_vector(endpoint: Endpoint) -> None:
    agent = KnowledgeAgent([SITE], await filled(), embedder(endpoint, MemorySettingsStore()))
    await agent.warm()
    endpoint.broken = BROKEN["another length"]
    assert "6.90 euro" in (await ask(agent, "How much does delivery cost?")).text
    await agent.close()


@pytest.mark.parametrize("found", [[[1.0]], [[1.0], [1.0, 2.0]], [[], []], [[math.inf], [1.0]], [["a"], [1.0]]])
def test_unusable_vectors_are_refused(found: Any) -> None:
    with pytest.raises(VectorsRefused):
        checked(found, 2)
