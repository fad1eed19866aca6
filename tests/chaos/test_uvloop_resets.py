"""uvloop raises `RuntimeError` on a write to a connection that was just reset. Bus and store take it for an outage."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
import uvloop

from backends import StoreSettings, open_storage
from backends.errors import StoreUnavailable
from backends.redis import RedisSettings
from leflux.realtime.bus import RedisBus
from tests.contract.kit import outcomes, started
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, redis
from tests.services.wait import until

RESETS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis() as running:
        yield running


def test_the_bus_counts_each_message_that_a_reset_swallowed(server: RedisServer) -> None:
    uvloop.run(count_lost_messages(server))


async def count_lost_messages(server: RedisServer) -> None:
    for number in range(RESETS):
        async with Proxy(server.port) as link:
            bus = RedisBus(f"redis://127.0.0.1:{link.port}/0", uuid4().hex)
            await bus.tell("kind", {})
            # The reset finds the link connecting, sending or idle.
            await asyncio.sleep(number % 10 / 1000)
            link.cut()
            await asyncio.sleep(number % 3 / 1000)
            await bus.tell("kind", {})
            await until(lambda bus=bus: bus.dropped >= 1, "the message is counted", 5)  # type: ignore[misc]
            await bus.close()


def test_g1_a_store_call_that_meets_a_reset_is_unavailable_at_once(server: RedisServer) -> None:
    uvloop.run(call_after_resets(server))


async def call_after_resets(server: RedisServer) -> None:
    async with Proxy(server.port) as link:
        settings = RedisSettings(url=f"redis://127.0.0.1:{link.port}/0", prefix=uuid4().hex)
        storage = await open_storage(StoreSettings(backend="redis", options=settings, deadline=30.0))
        errors: list[object] = []

        async def answers() -> bool:
            [result] = await outcomes([storage.sessions.load(ref)])
            return not isinstance(result, StoreUnavailable)

        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        ref = await started(storage)
        for number in range(RESETS):
            link.reset()
            await asyncio.sleep(number % 3 / 1000)
            async with asyncio.timeout(10):
                results = await outcomes([storage.sessions.load(ref) for _ in range(5)])
            failures = [result for result in results if isinstance(result, BaseException)]
            assert all(isinstance(failure, StoreUnavailable) for failure in failures), failures
            await until(answers, "the store answers again")
        assert errors == []

        await storage.close()
