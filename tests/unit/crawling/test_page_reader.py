"""A page that takes too long to read is given up, and the event loop is free meanwhile."""

import asyncio
import os
import signal
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from leflux.crawling import page_reader
from leflux.crawling.extract import Unreadable, extract
from leflux.crawling.page_reader import PageReader
from tests.hostile_site import html
from tests.services.wait import until

URL = "http://shop.test/"
GOOD = html("<h1>Lamps</h1><p>Some words of plain text, so that there is something to read here.</p>").partition(
    b"\r\n\r\n"
)[2]
# The time for it grows with the square of its length: half a minute for this one.
SLOW = b"<html><body><article><p>" + b"<b>x</b>y" * 40_000


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine the first page alone, which loads the libraries, may take long."""
    monkeypatch.setattr(page_reader, "EXTRACT_SECONDS", 120.0)
    monkeypatch.setattr(page_reader, "LAST_RESORT", 250.0)


def children() -> set[str]:
    task = Path(f"/proc/{os.getpid()}/task")
    return {pid for thread in task.iterdir() for pid in (thread / "children").read_text().split()}


async def test_a_page_is_read_as_it_would_be_here() -> None:
    before = children()
    async with PageReader.opened() as reader:
        assert await reader.read(GOOD, URL, "utf-8") == extract(GOOD, URL, "utf-8")
        assert len(children() - before) == 1
    assert children() <= before


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 100, b"<" * 10_000, b"<a href='http://[x'>y"])
async def test_what_is_no_page_is_unreadable_or_empty_and_the_next_is_read(body: bytes) -> None:
    async with PageReader.opened() as reader:
        with suppress(Unreadable):
            assert (await reader.read(body, URL, None)).sections == []
        assert (await reader.read(GOOD, URL, None)).sections


async def test_a_page_that_takes_too_long_is_given_up_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with PageReader.opened() as reader:
        await reader.read(GOOD, URL, None)
        monkeypatch.setattr(page_reader, "EXTRACT_SECONDS", 0.5)
        with pytest.raises(Unreadable, match="longer than"):
            await reader.read(SLOW, URL, None)
        monkeypatch.setattr(page_reader, "EXTRACT_SECONDS", 120.0)
        assert (await reader.read(GOOD, URL, None)).sections


async def test_the_loop_turns_while_a_page_is_read() -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with PageReader.opened() as reader:
        await reader.read(GOOD, URL, None)
        turning = asyncio.create_task(turn())
        counts = []
        for _ in range(3):
            await reader.read(GOOD * 50, URL, None)
            counts.append(turns)
        turning.cancel()
    assert all(after - before > 5 for before, after in pairwise(counts))


async def test_a_reader_that_dies_costs_one_page() -> None:
    before = children()
    async with PageReader.opened() as reader:
        await reader.read(GOOD, URL, None)
        (pid,) = children() - before
        reading = asyncio.create_task(reader.read(SLOW, URL, None))
        await asyncio.sleep(0)
        os.kill(int(pid), 9)
        with pytest.raises(Unreadable, match="ended"):
            await reading
        assert (await reader.read(GOOD, URL, None)).sections


async def test_a_crawl_that_is_cancelled_leaves_no_process() -> None:
    before = children()

    async def crawl() -> None:
        async with PageReader.opened() as reader:
            await reader.read(SLOW, URL, None)

    running = asyncio.create_task(crawl())
    await until(lambda: children() - before, "the reader runs")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert children() <= before


async def test_a_reader_that_is_waited_for_is_ended_when_the_crawl_is_cancelled_meanwhile() -> None:
    before = children()
    async with PageReader.opened() as reader:
        await reader.read(GOOD, URL, None)
        (pid,) = children() - before
        os.kill(int(pid), signal.SIGSTOP)
        ending = asyncio.create_task(reader._end(600.0))
        await until(lambda: reader._process is None, "the end has begun")
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert children() <= before
