"""Records that somebody tampered with, and purges that must leave nothing of them."""

from collections.abc import Iterator

import pytest

from backends.errors import SessionCorrupt, SessionDeleted
from backends.records import LogQuery
from backends.redis.keys import Keys
from tests.chaos.redis_kit import PREFIX, every_read, logged_texts, opened
from tests.contract.kit import LONG, SITE, ask, say, started, texts
from tests.services.redis import RedisServer, redis


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis() as running:
        yield running


@pytest.mark.parametrize(
    ("part", "tamper"),
    [
        (0, (b"SET", b"garbage")),
        (0, (b"HSET", b"seq", b"garbage")),
        (0, (b"HDEL", b"activity")),
        (1, (b"SET", b"garbage")),
        (1, (b"DEL",)),
    ],
    ids=[
        "state of another type",
        "state with garbage",
        "state with a hole",
        "messages of another type",
        "messages gone",
    ],
)
async def test_a_garbage_record_quarantines_one_session(
    server: RedisServer, part: int, tamper: tuple[bytes, ...]
) -> None:
    async with opened(server.url) as storage:
        sick, sound = await started(storage), await started(storage)
        for ref in (sick, sound):
            await ask(storage, ref, "hello")
        key = Keys(PREFIX).session(SITE, sick.session_id)[part].encode()
        server.ask(tamper[0], key, *tamper[1:])
        for call in every_read(storage, sick):
            with pytest.raises(SessionCorrupt):
                await call()
        with pytest.raises(SessionCorrupt):
            await say(storage, sick)
        assert await texts(storage, sound) == ["hello"]
        swept = await storage.sessions.sweep({SITE: LONG}, 10)
        assert sound.session_id in {name.session_id for name in swept.orphaned}
        await storage.sessions.delete(sick, LONG, bury_absent=True)
        with pytest.raises(SessionDeleted):
            await storage.sessions.load(sick)


@pytest.mark.parametrize("part", [2, 5], ids=["client ids", "outbox"])
async def test_a_garbage_side_record_refuses_the_append_as_a_whole(server: RedisServer, part: int) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage)
        await say(storage, ref, "before", logged=False)
        server.ask(b"SET", Keys(PREFIX).session(SITE, ref.session_id)[part].encode(), b"garbage")
        with pytest.raises(SessionCorrupt):
            await say(storage, ref, "after", "id-1")
        assert await texts(storage, ref) == ["before"]
        assert (await storage.sessions.load(ref)).seq == 1


async def test_a_purge_leaves_no_byte_of_the_visitor(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage, visitor_id="visitor-canary", prior=b'["canaryprior"]')
        await say(storage, ref, "canaryword in a sentence", "canaryid")
        await storage.sessions.set_context(ref, b'{"url":"canarycontext"}')
        assert (await storage.log.sessions(SITE, LogQuery(words="canaryw"))).sessions
        await say(storage, ref, "another canaryword")
        await storage.sessions.delete(ref, LONG)
        assert await storage.log.delete_session(SITE, ref.session_id, LONG) == 2
        assert server.keys_with(b"canary") == []


async def test_a_purge_that_died_half_way_is_finished_by_the_next(server: RedisServer) -> None:
    async with opened(server.url) as storage:
        ref = await started(storage)
        await say(storage, ref, "canaryword")
        assert await logged_texts(storage, ref) == ["canaryword"]
        keys = Keys(PREFIX)
        # As `log_erase.lua` leaves it for the words to be removed: the lines in the bin, named among the binned.
        name = ref.session_id
        server.ask(b"RENAME", keys.log(SITE, "lines", name).encode(), keys.log(SITE, "bin", name).encode())
        server.ask(b"ZADD", keys.log(SITE, "binned").encode(), b"0", name.encode())
        await storage.sessions.delete(ref, LONG)
        await storage.log.delete_session(SITE, ref.session_id, LONG)
        assert server.keys_with(b"canary") == []
