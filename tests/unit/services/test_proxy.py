"""The proxy does what the network tests believe it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.services.proxy import Direction, Proxy
from tests.services.wait import until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """A target that repeats what it gets, and remembers it."""

    def __init__(self) -> None:
        self.got = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                self.got += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def is_reset(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True


async def test_bytes_pass(proxy: Proxy) -> None:
    async with connected(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"


async def test_a_cut_refuses_until_it_is_healed(proxy: Proxy) -> None:
    async with connected(proxy) as (reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        proxy.cut()
        assert await is_reset(reader)
    async with connected(proxy) as (reader, _):
        assert await is_reset(reader)
    proxy.heal()
    await test_bytes_pass(proxy)


async def test_held_requests_reach_the_target_when_they_are_let_go(proxy: Proxy, echo: Echo) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.hold(Direction.REQUEST)
        writer.write(b"later")
        await asyncio.to_thread(lambda: None)
        assert echo.got == b""
        proxy.heal()
        assert await reader.readexactly(5) == b"later"


async def test_held_requests_that_are_cut_never_reach_the_target(proxy: Proxy, echo: Echo) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.hold(Direction.REQUEST)
        writer.write(b"lost")
        proxy.cut()
        assert await is_reset(reader)
        proxy.heal()
    await test_bytes_pass(proxy)
    assert echo.got == b"hello"


async def test_a_dropped_reply_was_a_request_that_arrived(proxy: Proxy, echo: Echo) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.drop_reply(rb"sec.et")
        writer.write(b"secret")
        assert await is_reset(reader)
    assert echo.got == b"secret"
    assert proxy.has_dropped
    await test_bytes_pass(proxy)


async def test_a_torn_request_arrives_by_half(proxy: Proxy, echo: Echo) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.tear_request()
        writer.write(b"12345678")
        assert await is_reset(reader)
    await test_bytes_pass(proxy)
    assert echo.got in (b"1234hello", b"hello")


async def test_a_black_hole_closes_nothing_and_answers_nothing(proxy: Proxy, echo: Echo) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.blackhole()
        writer.write(b"hello?")
        await writer.drain()
        async with connected(proxy) as (_, other):
            other.write(b"anybody?")
            await other.drain()
            await until(lambda: proxy.swallowed >= len(b"hello?anybody?"), "the bytes are swallowed")
        assert echo.got == b""
        assert not reader.at_eof()
        proxy.heal()
        assert await is_reset(reader)
