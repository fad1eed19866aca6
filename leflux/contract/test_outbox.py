"""Rules S14, S22, S23 and S24: how log lines wait for a log that is another store."""

from backends.base import Storage
from leflux.contract.kit import SHORT, SITE, drain, logged, make_entry, say, started, until


async def test_s14_a_line_waits_from_append_until_it_is_done(split_storage: Storage) -> None:
    assert not split_storage.log_shares_store
    ref = await started(split_storage)
    stored = await say(split_storage, ref, "waiting")
    assert await split_storage.log.messages(ref.site_id, ref.session_id, 0, 10) == []
    for _ in range(2):
        [line] = await split_storage.sessions.outbox(10)
        assert (line.session_id, line.seq, line.text, line.body) == (ref.session_id, 1, "waiting", stored.body)
        assert await split_storage.sessions.outbox_size() == 1
    await split_storage.log.append([line])
    await split_storage.sessions.outbox_done([line])
    assert await split_storage.sessions.outbox(10) == []
    assert await split_storage.sessions.outbox_size() == 0
    assert await split_storage.log.messages(ref.site_id, ref.session_id, 0, 10) == [stored.body]


async def test_s10_a_repeat_adds_no_second_line(split_storage: Storage) -> None:
    ref = await started(split_storage)
    for _ in range(3):
        await say(split_storage, ref, "once", "c-1")
    assert len(await split_storage.sessions.outbox(10)) == 1
    await drain(split_storage)
    await say(split_storage, ref, "once", "c-1")
    assert await split_storage.sessions.outbox(10) == []


async def test_s23_the_lines_of_a_session_come_in_seq_order(split_storage: Storage) -> None:
    refs = [await started(split_storage) for _ in range(3)]
    for number in range(30):
        await say(split_storage, refs[number % 3], f"text {number}")
    lines = await split_storage.sessions.outbox(100)
    assert len(lines) == 30
    for ref in refs:
        assert [line.seq for line in lines if line.session_id == ref.session_id] == list(range(1, 11))


async def test_s23_a_limited_outbox_gives_the_oldest_first(split_storage: Storage) -> None:
    ref = await started(split_storage)
    for number in range(1, 8):
        await say(split_storage, ref, f"text {number}")
    seen: list[int] = []
    while lines := await split_storage.sessions.outbox(3):
        assert len(lines) <= 3
        seen += [line.seq for line in lines]
        await split_storage.sessions.outbox_done(lines)
    assert seen == list(range(1, 8))


async def test_s24_done_may_be_repeated_and_may_name_unknown_lines(split_storage: Storage) -> None:
    ref = await started(split_storage)
    await say(split_storage, ref, "first")
    lines = await split_storage.sessions.outbox(10)
    await say(split_storage, ref, "second")
    for _ in range(2):
        await split_storage.sessions.outbox_done([*lines, make_entry("never-seen")])
    await split_storage.sessions.outbox_done([])
    assert [line.seq for line in await split_storage.sessions.outbox(10)] == [2]


async def test_s22_the_lines_of_an_evicted_session_leave_first(split_storage: Storage) -> None:
    live, idle = await started(split_storage, "other"), await started(split_storage)
    for number in range(3):
        await say(split_storage, live, f"live {number}")
    for number in range(3):
        await say(split_storage, idle, f"idle {number}")

    async def evicted() -> bool:
        return bool((await split_storage.sessions.sweep({SITE: SHORT}, 10)).evicted)

    await until(evicted, "the idle session is evicted")
    assert [line.text for line in await split_storage.sessions.outbox(4)] == ["idle 0", "idle 1", "idle 2", "live 0"]
    assert await logged(split_storage, idle) == ["idle 0", "idle 1", "idle 2"]
    assert await logged(split_storage, live) == ["live 0", "live 1", "live 2"]


async def test_l1_a_line_that_is_delivered_twice_is_logged_once(split_storage: Storage) -> None:
    """A worker that dies between the log's answer and `outbox_done` delivers again."""
    ref = await started(split_storage)
    await say(split_storage, ref, "once")
    lines = await split_storage.sessions.outbox(10)
    for _ in range(2):
        await split_storage.log.append(lines)
    assert await logged(split_storage, ref) == ["once"]
    summary = await split_storage.log.session(ref.site_id, ref.session_id)
    assert summary is not None
    assert summary.messages == 1
