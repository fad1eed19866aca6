"""What an owner's page is told of a crawl: not too often, the last always, and nothing older than what it shows."""

import asyncio
from typing import Any

from leflux.realtime.crawl_feed import CRAWL, NAMESPACE, CrawlFeed
from leflux.realtime.notes import NoteHandlers
from leflux.sites.crawled_pages import Head
from tests.server.conftest import until


class Line(NoteHandlers):
    """Stands for the socket server and the bus, which the server's tests have for real."""

    is_alone = False

    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []
        self.noted: list[int] = []

    async def emit(self, event: str, data: Any, *, to: str, ignore_queue: bool = False, namespace: str = "/") -> None:
        assert (event, to, namespace, ignore_queue) == ("crawl_progress", "crawl:shop", NAMESPACE, True)
        self.told.append(data["done"])

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        assert (kind, payload["siteId"]) == (CRAWL, "shop")
        self.noted.append(payload["head"].done)


class Store:
    def __init__(self, head: Head) -> None:
        self.head = head
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, _site_id: str) -> Head:
        head = self.head
        await self.gate.wait()
        return head


def running(done: int, until_ms: int = 1_000) -> Head:
    return Head(state="running", done=done, until=until_ms)


async def test_of_what_comes_too_fast_the_first_and_the_last_are_told() -> None:
    line = Line()
    feed = CrawlFeed(line, Store(Head()).read, line, pace=0.1)
    await feed.told("shop", running(1))
    await until(lambda: line.told == [1], "the first is told")
    for done in (2, 3, 4):
        await feed.told("shop", running(done))
    await until(lambda: line.told == [1, 4], "the last is told")
    assert line.noted == [1, 4]
    await feed.stop()


async def test_what_waits_is_told_when_the_process_stops() -> None:
    line = Line()
    feed = CrawlFeed(line, Store(Head()).read, line, pace=3600)
    await feed.told("shop", running(1))
    await until(lambda: line.told == [1], "the first is told")
    await feed.told("shop", running(2))
    await feed.stop()
    assert line.told == line.noted == [1, 2]


async def test_what_the_bus_has_lost_is_told_from_the_store_once() -> None:
    line, store = Line(), Store(running(1))
    feed = CrawlFeed(line, store.read, line)
    assert await feed.refresh("shop") == store.head
    store.head = running(5, 2_000)
    await feed.refresh("shop")
    store.head = Head(state="done", done=7, pages=7, generation=1)
    assert await feed.refresh("shop") == await feed.refresh("shop") == store.head
    assert line.told == [1, 5, 7]
    assert line.noted == []


async def test_a_store_that_lags_behind_what_was_told_takes_nothing_back() -> None:
    line, store = Line(), Store(running(3, 1_000))
    feed = CrawlFeed(line, store.read, line)
    await feed.heard({"siteId": "shop", "head": {"state": "running", "done": 4, "until": 1_500}})
    assert (await feed.refresh("shop")).done == 4
    assert line.told == [4]


async def test_what_is_told_during_a_read_is_newer_than_what_is_read() -> None:
    line, store = Line(), Store(Head(state="done", done=1))
    feed = CrawlFeed(line, store.read, line)
    store.gate.clear()
    reading = asyncio.create_task(feed.refresh("shop"))
    await asyncio.sleep(0)
    await feed.heard({"siteId": "shop", "head": {"state": "running", "done": 0, "until": 1_500}})
    store.gate.set()
    assert (await reading).state == "running"
    assert line.told == [0]
