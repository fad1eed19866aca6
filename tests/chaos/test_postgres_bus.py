"""The bus over LISTEN and NOTIFY: long messages arrive whole and in order, and a lost subscription is told as a gap."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import socketio

from leflux.realtime.notes import GAP
from leflux.realtime.postgres_bus import PART, PartReader, PostgresBus, split_message
from tests.conftest import Services
from tests.services.postgres import PostgresServer, postgres
from tests.services.wait import until

pytestmark = pytest.mark.xdist_group("postgres")
NOTE = "note"


@pytest.fixture
def server(services: Services) -> PostgresServer:
    found: PostgresServer = services.get(postgres)
    return found


class Heard:
    """What a process hears."""

    def __init__(self, bus: PostgresBus) -> None:
        self.bus = bus
        self.notes: list[dict[str, Any]] = []
        self.gaps = 0
        bus.subscribe(NOTE, self._note)
        bus.subscribe(GAP, self._gap)

    async def _note(self, payload: dict[str, Any]) -> None:
        self.notes.append(payload)

    async def _gap(self, payload: dict[str, Any]) -> None:
        self.gaps += 1


@asynccontextmanager
async def process(server: PostgresServer, prefix: str) -> AsyncIterator[Heard]:
    bus = PostgresBus(server.url, prefix)
    heard = Heard(bus)
    library = socketio.AsyncServer(client_manager=bus, async_mode="tornado")
    library.manager.initialize()
    library.manager_initialized = True
    try:
        await until(lambda: heard.gaps == 1, "the process listens")
        yield heard
    finally:
        await bus.close()


async def test_messages_of_any_length_arrive_whole_in_order_and_at_the_others_alone(server: PostgresServer) -> None:
    prefix = uuid4().hex
    async with (
        process(server, prefix) as first,
        process(server, prefix) as second,
        process(server, uuid4().hex) as foreign,
    ):
        texts = ["short", "\U0001f9ed" * 30_000, "ä" * 9_000, "", "same", "same"]
        for text in texts:
            await first.bus.tell(NOTE, {"text": text})
        await until(lambda: len(second.notes) == len(texts), "every note has arrived")
        assert [note["text"] for note in second.notes] == texts
        await second.bus.tell(NOTE, {"text": "back"})
        await until(lambda: len(first.notes) == 1, "the answer has arrived")
        assert (first.notes, foreign.notes, first.bus.dropped) == ([{"text": "back"}], [], 0)


async def test_two_processes_that_tell_at_once_are_both_understood(server: PostgresServer) -> None:
    prefix = uuid4().hex
    async with (
        process(server, prefix) as first,
        process(server, prefix) as second,
        process(server, prefix) as third,
    ):
        for number in range(100):
            for one in (first, second):
                await one.bus.tell(NOTE, {"from": id(one), "number": number, "long": "x" * 5_000})
            await asyncio.sleep(0)
        await until(lambda: len(third.notes) == 200, "every note has arrived")
        for one in (first, second):
            numbers = [note["number"] for note in third.notes if note["from"] == id(one)]
            assert numbers == list(range(100))


async def test_a_lost_subscription_is_told_as_a_gap_and_made_again(server: PostgresServer) -> None:
    prefix = uuid4().hex
    async with process(server, prefix) as first, process(server, prefix) as second:
        assert server.end_listeners() >= 2
        await until(lambda: (first.gaps, second.gaps) == (2, 2), "both know of the gap")
        await first.bus.tell(NOTE, {"text": "after it"})
        await until(lambda: second.notes == [{"text": "after it"}], "the bus works again")


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "x" * PART, "x" * (PART + 1), "ß\U0001f9ed" * PART])
def test_a_message_is_put_together_from_its_parts(text: str) -> None:
    parts = split_message(b'"%s"' % text.encode(), 7)
    assert all(len(part.encode()) < 8_000 for part in parts)
    reader = PartReader()
    assert [reader.read(part) for part in parts] == [None] * (len(parts) - 1) + [b'"%s"' % text.encode()]


def test_a_message_whose_beginning_or_end_was_lost_is_dropped() -> None:
    parts = split_message(b"x" * 3 * PART, 1)
    whole = split_message(b"whole", 2)
    reader = PartReader()
    assert [reader.read(part) for part in (parts[0], *whole)] == [None, b"whole"]
    assert [reader.read(part) for part in (parts[1], parts[2], *whole)] == [None, None, b"whole"]
