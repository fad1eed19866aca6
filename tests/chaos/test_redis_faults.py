"""Redis that dies, freezes, fills up, is emptied or tampered with: real servers, real signals, a real proxy."""

import asyncio
from collections.abc import Iterator

import pytest

from backends import StoreSettings, open_store
from backends.errors import SessionNotFound, StoreUnavailable
from backends.records import Appended, Draft, LogQuery, SessionRef
from backends.redis import RedisSettings
from tests.chaos.redis_kit import GENEROUS, PREFIX, answers, every_read, insist, logged_texts, opened
from tests.contract.kit import LONG, SITE, ask, decoded, make_draft, make_ref, outcomes, say, started, texts
from tests.services.proxy import Proxy
from tests.services.redis import RedisServer, redis
from tests.services.wait import until

SOON = 3.0
"""Seconds: a deadline that a test waits out."""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis() as running:
        yield running


async def test_a_lost_reply_and_the_retry_leave_one_copy(server: RedisServer) -> None:
    async with Proxy(server.port) as proxy, opened(f"redis://127.0.0.1:{proxy.port}/0") as storage:
        ref = await started(storage)
        draft = make_draft("once", "id-1", opens_turn=True)
        proxy.drop_reply(rb'"seq":1,')
        with pytest.raises(StoreUnavailable):
            await storage.sessions.append(ref, draft)
        assert proxy.has_dropped
        again = await insist(storage, ref, draft)
        assert (again.seq, again.created) == (1, False)
        assert await texts(storage, ref) == ["once"]
        assert await logged_texts(storage, ref) == ["once"]
        swept = await storage.sessions.sweep({SITE: LONG}, 10)
        assert [name.session_id for name in swept.orphaned] == [ref.session_id]


async def test_a_request_torn_in_the_middle_and_the_retry_leave_one_copy(server: RedisServer) -> None:
    async with Proxy(server.port) as proxy, opened(f"redis://127.0.0.1:{proxy.port}/0") as storage:
        ref = await started(storage)
        draft = make_draft("whole", "id-1")
        proxy.tear_request()
        with pytest.raises(StoreUnavailable):
            await storage.sessions.append(ref, draft)
        await insist(storage, ref, draft)
        assert await texts(storage, ref) == ["whole"]


async def test_a_frozen_redis_is_unavailable_within_the_deadline_and_stores_one_copy(server: RedisServer) -> None:
    async with opened(server.url) as other, opened(server.url, SOON) as storage:
        ref = await started(other)
        draft = make_draft("late", "id-1")
        server.freeze()
        try:
            results = await asyncio.wait_for(
                outcomes([storage.sessions.append(ref, draft), storage.sessions.restore(ref, 0, 10)]), GENEROUS
            )
        finally:
            server.thaw()
        assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
        await insist(storage, ref, draft)
        assert await texts(other, ref) == ["late"]
        assert await logged_texts(other, ref) == ["late"]


async def test_a_killed_redis_keeps_what_it_acknowledged(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        refs = [await started(storage) for _ in range(5)]
        drafts = [(ref, make_draft(f"text {i}", f"id-{i}")) for i in range(40) for ref in refs]

        async def kill_soon() -> None:
            await until(lambda: len(acknowledged) >= 20, "some messages are acknowledged")
            server.kill()

        acknowledged: list[tuple[SessionRef, Appended]] = []

        async def send(ref: SessionRef, draft: Draft) -> None:
            acknowledged.append((ref, await storage.sessions.append(ref, draft)))

        async def send_all() -> None:
            for start in range(0, len(drafts), 10):
                await outcomes([send(ref, draft) for ref, draft in drafts[start : start + 10]])

        await asyncio.gather(kill_soon(), send_all())
        server.start()
        await until(lambda: answers(storage), "the storage has reconnected")
        for ref in refs:
            stored = await storage.sessions.messages(ref, 0, 1000)
            assert [decoded(body)["seq"] for body in stored] == list(range(1, len(stored) + 1))
            assert all(one.body == stored[one.seq - 1] for whose, one in acknowledged if whose == ref)
        for ref, draft in drafts:
            await insist(storage, ref, draft)
        for ref in refs:
            assert sorted(await texts(storage, ref)) == sorted(f"text {i}" for i in range(40))
            assert await logged_texts(storage, ref) == await texts(storage, ref)


async def test_a_full_redis_refuses_and_stores_nothing_partial(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage)
        await say(storage, ref, "first", "id-first")
        used = int(server.info()["used_memory"])
        server.ask(b"CONFIG", b"SET", b"maxmemory", b"%d" % (used + 600_000))
        kept: list[str] = ["first"]
        refused = None
        for i in range(200):
            draft = make_draft(f"{i} " + "x" * 20_000, f"id-{i}")
            try:
                await storage.sessions.append(ref, draft)
            except StoreUnavailable:
                refused = draft
                break
            kept.append(draft.text)
        assert refused is not None
        # "Unavailable" means unknown; either way it is whole.
        assert await texts(storage, ref) in (kept, [*kept, refused.text])
        server.ask(b"CONFIG", b"SET", b"maxmemory", b"0")
        await insist(storage, ref, refused)
        assert await texts(storage, ref) == [*kept, refused.text]
        assert await logged_texts(storage, ref) == [*kept, refused.text]


async def test_an_emptied_redis_has_no_session_and_no_half_of_one(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage)
        await ask(storage, ref)
        server.ask(b"FLUSHALL")
        for call in every_read(storage, ref):
            with pytest.raises(SessionNotFound) as caught:
                await call()
            assert caught.type is SessionNotFound
        with pytest.raises(SessionNotFound):
            await say(storage, ref)
        assert await storage.sessions.sweep({SITE: LONG}, 10) is not None
        fresh = await started(storage)
        await say(storage, fresh, "after")
        assert await texts(storage, fresh) == ["after"]


async def test_forgotten_scripts_are_loaded_again(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        refs = [await started(storage) for _ in range(4)]
        for i in range(20):
            server.ask(b"SCRIPT", b"FLUSH")
            await asyncio.gather(*(say(storage, ref, f"{i}") for ref in refs))
        for ref in refs:
            assert await texts(storage, ref) == [f"{i}" for i in range(20)]
            assert await logged_texts(storage, ref) == [f"{i}" for i in range(20)]


async def test_a_crash_between_append_and_log_delivers_once(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage)
        await say(storage, ref, "lamp")
        assert await logged_texts(storage, ref) == ["lamp"]
    settings = StoreSettings(backend="redis", options=RedisSettings(url=server.url, prefix=PREFIX))
    # Without a log of its own, this process only leaves lines behind, as one does that dies after its append.
    dying = await open_store(settings, log_shares_store=False)
    await say(dying, ref, "lantern")
    entries = await dying.sessions.outbox(10)
    await dying.log.append(entries)
    await dying.close()
    async with opened(server.url) as storage:
        page = await storage.log.sessions(SITE, LogQuery(words="lantern"))
        assert [(found.session_id, found.messages) for found in page.sessions] == [(ref.session_id, 2)]
        assert await logged_texts(storage, ref) == ["lamp", "lantern"]


async def test_a_cancelled_call_breaks_nothing_for_the_next(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage)
        for i in range(50):
            call = asyncio.create_task(say(storage, ref, f"cancelled {i}"))
            for _ in range(i % 5):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert (await say(storage, ref, f"kept {i}")).created
        found = await texts(storage, ref)
        assert [text for text in found if text.startswith("kept")] == [f"kept {i}" for i in range(50)]


async def test_an_unknown_session_of_a_dead_redis_is_unavailable_not_unknown(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        server.kill()
        for call in every_read(storage, make_ref()):
            with pytest.raises(StoreUnavailable):
                await call()
        with pytest.raises(StoreUnavailable):
            await storage.ping()
