"""PostgreSQL killed, frozen and cut off: G1 to G3, S10 and S11 hold, and the store is back when its server is."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import Appended, SessionRef
from tests.chaos.postgres_kit import opened
from tests.contract.kit import decoded, logged, outcomes, say, started, texts
from tests.services.postgres import PostgresServer, running
from tests.services.proxy import Direction, Proxy
from tests.services.wait import until

pytestmark = pytest.mark.xdist_group("postgres")
WRITERS = 20
SHORT = 3.0


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with running() as server:
        yield server


async def said(storage: Storage, ref: SessionRef, text: str) -> Appended:
    """Say it until it is acknowledged, always under one id (G3)."""

    async def acknowledged() -> Appended | None:
        try:
            return await say(storage, ref, text, text)
        except StoreUnavailable:
            return None

    return await until(acknowledged, f"{text!r} is acknowledged")


def _has(acknowledged: list[tuple[SessionRef, str]], enough: int) -> bool:
    return len(acknowledged) >= enough


async def is_back(storage: Storage) -> bool:
    try:
        await storage.ping()
    except StoreUnavailable:
        return False
    return True


async def test_s11_a_server_that_is_killed_in_mid_append_has_each_acknowledged_message_once(
    server: PostgresServer,
) -> None:
    async with opened(server, deadline=3.0) as storage:
        refs = [await started(storage) for _ in range(4)]
        acknowledged: list[tuple[SessionRef, str]] = []
        is_over = False

        async def write(number: int) -> None:
            ref, count = refs[number % len(refs)], 0
            while not is_over:
                text = f"writer-{number}-{count}"
                await said(storage, ref, text)
                acknowledged.append((ref, text))
                count += 1

        writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
        for _ in range(3):
            enough = len(acknowledged) + 200
            await until(partial(_has, acknowledged, enough), "messages are stored")
            server.kill()
            server.start()
        is_over = True
        await asyncio.gather(*writers)
        for ref in refs:
            stored = await texts(storage, ref)
            assert sorted(stored) == sorted(text for one, text in acknowledged if one == ref)
            assert await logged(storage, ref) == stored
            bodies = (await storage.sessions.restore(ref, 0, len(stored))).messages
            assert [decoded(body)["seq"] for body in bodies] == list(range(1, len(stored) + 1))


async def test_g2_a_frozen_server_is_unavailable_within_the_deadline_and_fine_afterwards(
    server: PostgresServer,
) -> None:
    async with opened(server, deadline=SHORT) as storage:
        ref = await started(storage)
        await say(storage, ref, "before")
        server.freeze()
        try:
            calls = [say(storage, ref, f"text {number}", f"c-{number}") for number in range(5)]
            searches = [storage.log.session(ref.site_id, ref.session_id), storage.settings.get("name"), storage.ping()]
            async with asyncio.timeout(60):
                answers = await outcomes([*calls, *searches])
            assert {type(answer) for answer in answers} == {StoreUnavailable}
        finally:
            server.thaw()
        await until(lambda: is_back(storage), "the store answers again")
        for number in range(5):
            await say(storage, ref, f"text {number}", f"c-{number}")
        assert sorted(await texts(storage, ref)) == sorted(["before", *(f"text {number}" for number in range(5))])
        assert await logged(storage, ref) == await texts(storage, ref)


async def test_g2_opening_a_frozen_server_ends_within_the_deadline(server: PostgresServer) -> None:
    server.freeze()
    try:
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable):
                async with opened(server, deadline=SHORT):
                    pytest.fail("a frozen server was opened")
    finally:
        server.thaw()


async def test_g3_a_commit_whose_answer_is_lost_is_unknown_and_its_repeat_stores_once(server: PostgresServer) -> None:
    async with Proxy(server.port) as proxy, opened(server, port=proxy.port) as storage:
        ref = await started(storage)
        proxy.drop_reply(b'"seq":1')
        with pytest.raises(StoreUnavailable):
            await say(storage, ref, "once", "c-1")
        assert proxy.has_dropped
        repeat = await say(storage, ref, "once", "c-1")
        assert (repeat.seq, repeat.created) == (1, False)
        assert await texts(storage, ref) == ["once"]
        assert await logged(storage, ref) == ["once"]


async def test_g3_a_statement_that_is_torn_stores_nothing_until_it_is_repeated(server: PostgresServer) -> None:
    async with Proxy(server.port) as proxy, opened(server, port=proxy.port) as storage:
        ref = await started(storage)
        proxy.tear_request()
        with pytest.raises(StoreUnavailable):
            await say(storage, ref, "once", "c-1")
        assert proxy.has_torn
        assert (await say(storage, ref, "once", "c-1")).created
        assert await texts(storage, ref) == ["once"]


async def test_g2_a_link_that_swallows_everything_ends_each_call(server: PostgresServer) -> None:
    async with Proxy(server.port) as proxy, opened(server, deadline=SHORT, port=proxy.port) as storage:
        ref = await started(storage)
        proxy.hold(Direction.REPLY)
        async with asyncio.timeout(60):
            answers = await outcomes([say(storage, ref, "once", "once") for _ in range(3)])
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        proxy.heal()
        await until(lambda: is_back(storage), "the store answers again")
        await said(storage, ref, "once")
        assert await texts(storage, ref) == ["once"]


async def test_a_connection_that_the_server_ended_while_it_was_idle_costs_nobody_an_error(
    server: PostgresServer,
) -> None:
    async with opened(server) as storage:
        ref = await started(storage)
        await storage.log.session(ref.site_id, ref.session_id)
        server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leflux'")
        wanted = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leflux'"
        await until(lambda: server.ask(wanted) == [(0,)], "the server has ended the connections")
        assert (await say(storage, ref, "hello")).seq == 1
        assert await logged(storage, ref) == ["hello"]


async def test_g1_a_call_that_the_server_refuses_does_not_fail_its_neighbours(server: PostgresServer) -> None:
    """NUL is no text in PostgreSQL. The server's other doors refuse it earlier."""
    async with opened(server) as storage:
        ref = await started(storage)
        answers = await outcomes(
            [say(storage, ref, f"text {number}", "a\0b" if number == 5 else f"c-{number}") for number in range(10)]
        )
        assert [type(answer) for answer in answers].count(Appended) == 9
        assert isinstance(answers[5], StoreUnavailable)
        assert sorted(await texts(storage, ref)) == sorted(f"text {number}" for number in range(10) if number != 5)
