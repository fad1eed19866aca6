"""One rate limit for all processes: four of them let through what the number says, within five percent."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Services
from tests.server.fleet import Member, fleet
from tests.services.redis import RedisServer, redis

ADDRESS, SESSION, STARTS = 120, 60, 40
LIMITS = {"init_per_minute": STARTS, "messages_per_minute": SESSION, "address_messages_per_minute": ADDRESS}


@pytest.fixture
def store(services: Services) -> RedisServer:
    found: RedisServer = services.get(redis)
    return found


async def say(member: Member, session_id: str) -> int:
    message = {"sessionId": session_id, "clientMessageId": str(uuid4()), "message": "Hello"}
    status, answer = await member.visitor.call("POST", "/api/chat", message)
    assert status in (200, 429), answer
    if status == 429:
        assert answer["details"]["retryAfterMs"] > 0
    return status


def most(per_minute: int, began: float) -> float:
    """What the number lets through from `began` until now, with five percent on top."""
    return 1.05 * (per_minute + per_minute * (time.monotonic() - began) / 60) + 1


@pytest.mark.parametrize("shape", ["evenly", "one process after the other"])
async def test_an_address_has_one_limit_over_four_processes(tmp_path: Path, store: RedisServer, shape: str) -> None:
    async with fleet(tmp_path, store, 4, limits=LIMITS | {"messages_per_minute": 10_000}) as members:
        sessions = [await member.visitor.init() for member in members]
        began, statuses = time.monotonic(), []
        for number in range(4):
            # Few at a time: on a slow machine many would take the counter longer than the servers wait for it.
            for _ in range(15):
                calls = [(members[i if shape == "evenly" else number], sessions[i]) for i in range(4)]
                statuses += await asyncio.gather(*(say(member, session_id) for member, session_id in calls))
        assert ADDRESS <= statuses.count(200) <= most(ADDRESS, began)


async def test_a_session_has_one_limit_over_four_processes(tmp_path: Path, store: RedisServer) -> None:
    async with fleet(tmp_path, store, 4, limits=LIMITS | {"address_messages_per_minute": 10_000}) as members:
        session_id = await members[0].visitor.init()
        began, statuses = time.monotonic(), []
        for member in members * 8:
            statuses += await asyncio.gather(*(say(member, session_id) for _ in range(5)))
        assert SESSION <= statuses.count(200) <= most(SESSION, began)


async def test_new_sessions_have_one_limit_over_four_processes(tmp_path: Path, store: RedisServer) -> None:
    async with fleet(tmp_path, store, 4, limits=LIMITS) as members:
        began, statuses = time.monotonic(), []
        for member in members * 20:
            statuses.append(
                (await member.visitor.call("POST", "/api/session/init", {"websiteUrl": "http://shop.test/"}))[0]
            )
        assert STARTS <= statuses.count(200) <= most(STARTS, began)


async def test_without_the_bus_each_process_counts_alone_and_nobody_waits(tmp_path: Path, store: RedisServer) -> None:
    async with fleet(tmp_path, store, 2, limits=LIMITS | {"messages_per_minute": 10_000}) as members:
        session_id = await members[0].visitor.init()
        for member in members:
            member.bus.cut()
        statuses = [await say(members[0], session_id) for _ in range(ADDRESS // 2)]
        assert statuses == [200] * (ADDRESS // 2)
