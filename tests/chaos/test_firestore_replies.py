"""Firestore answers late, wrongly or not at all: rules G1, G2, G3, S9, S10, S15."""

import asyncio
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

import grpc
import pytest

from backends.base import Storage
from backends.errors import SessionDeleted, StoreMisconfigured, StoreUnavailable, VersionConflict
from backends.records import Appended, AuditEntry, Erased
from tests.chaos.firestore_kit import documents, opened
from tests.conftest import Services
from tests.contract.kit import LONG, SITE, decoded, logged, make_draft, outcomes, say, started, texts
from tests.services.firestore import Emulator, emulator
from tests.services.firestore_proxy import COMMIT, READ, Proxy, on, proxied

pytestmark = pytest.mark.xdist_group("firestore")
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
ABORTED = grpc.StatusCode.ABORTED


@pytest.fixture
def running(services: Services) -> Emulator:
    found: Emulator = services.get(emulator)
    return found


@pytest.fixture
async def proxy(running: Emulator) -> AsyncIterator[Proxy]:
    async with proxied(running.address) as proxy:
        yield proxy


@pytest.fixture
def prefix() -> str:
    return f"{uuid4().hex[:12]}-"


@pytest.fixture
async def storage(proxy: Proxy, prefix: str) -> AsyncIterator[Storage]:
    async with opened(proxy.address, prefix) as storage:
        yield storage


@pytest.mark.parametrize("client_id", ["c-1", None])
async def test_a_commit_whose_reply_is_lost_is_recognised_and_stored_once(
    storage: Storage, proxy: Proxy, client_id: str | None
) -> None:
    """Also a message without a client message id: the token of its commit tells."""
    ref = await started(storage)
    proxy.lose = on(COMMIT, UNAVAILABLE, times=1)
    stored = await say(storage, ref, "once", client_id, renews=True)
    assert (stored.seq, stored.created) == (1, True)
    assert await storage.sessions.messages(ref, 0, 10) == [stored.body]
    assert await logged(storage, ref) == ["once"]


async def test_when_no_reply_comes_the_outcome_is_unknown_and_the_retry_gets_the_first_message(
    storage: Storage, proxy: Proxy
) -> None:
    ref = await started(storage)
    draft = make_draft("once", "c-1")
    proxy.lose = on(COMMIT, UNAVAILABLE)
    proxy.refuse = _after_a_commit(proxy)
    with pytest.raises(StoreUnavailable):
        await storage.sessions.append(ref, draft)
    proxy.lose = proxy.refuse = on("none", UNAVAILABLE)
    again = await storage.sessions.append(ref, draft)
    assert (again.id, again.seq, again.created) == (draft.id, 1, False)
    assert await texts(storage, ref) == ["once"]
    assert await logged(storage, ref) == ["once"]


def _after_a_commit(proxy: Proxy):  # type: ignore[no-untyped-def]
    """Nothing can be read any more once the lost commit has passed, so that it is not found out."""
    reads = 0

    def fault(name: str) -> grpc.StatusCode | None:
        nonlocal reads
        reads += name == READ
        return UNAVAILABLE if name == READ and reads > 1 else None

    return fault


async def test_a_lost_reply_with_another_writer_behind_it_stays_unknown_and_is_stored_once(
    storage: Storage, proxy: Proxy, running: Emulator, prefix: str
) -> None:
    """A third call could not tell whether the first one landed, so it must not store the message again."""
    ref = await started(storage)
    lost = asyncio.Event()

    def lose(name: str) -> grpc.StatusCode | None:
        if name != COMMIT or lost.is_set():
            return None
        proxy.reading.clear()
        lost.set()
        return UNAVAILABLE

    proxy.lose = lose
    async with opened(running.address, prefix) as other:
        call = asyncio.create_task(say(storage, ref, "first"))
        await lost.wait()
        await say(other, ref, "second")
        proxy.reading.set()
        with pytest.raises(StoreUnavailable, match="others have written"):
            await call
        assert await texts(storage, ref) == ["first", "second"]


async def test_lost_replies_of_every_verb_leave_what_one_call_would_have_left(storage: Storage, proxy: Proxy) -> None:
    proxy.lose = on(COMMIT, UNAVAILABLE, times=1)
    ref = await started(storage)
    proxy.lose = on(COMMIT, UNAVAILABLE, times=1)
    assert (await storage.sessions.claim(ref, "socket", 0, 10)).session.epoch == 1
    proxy.lose = on(COMMIT, UNAVAILABLE, times=1)
    assert (await storage.settings.put("name", b"{}", 0)).version == 1
    proxy.lose = on(COMMIT, UNAVAILABLE, times=1)
    await storage.settings.audit(SITE, AuditEntry("ann", "login"))
    assert len(await storage.settings.audit_trail(SITE, 10)) == 1
    with pytest.raises(VersionConflict):
        await storage.settings.put("name", b"{}", 0)
    proxy.lose = on(COMMIT, UNAVAILABLE, times=1)
    assert (await storage.sessions.delete(ref, LONG)).sessions == 1
    with pytest.raises(SessionDeleted):
        await storage.sessions.load(ref)


async def test_aborted_commits_are_tried_again_and_lose_nothing(storage: Storage, proxy: Proxy) -> None:
    ref = await started(storage)
    count = 0

    def refuse(name: str) -> grpc.StatusCode | None:
        nonlocal count
        count += name == COMMIT
        return ABORTED if name == COMMIT and count % 4 else None

    proxy.refuse = refuse
    for number in range(15):
        assert (await say(storage, ref, f"text {number}", f"c-{number}")).seq == number + 1
    assert await texts(storage, ref) == [f"text {number}" for number in range(15)]


async def test_endless_contention_ends_as_unavailable(storage: Storage, proxy: Proxy, prefix: str) -> None:
    ref = await started(storage)
    async with opened(proxy.address, prefix, deadline=1.0) as hurried:
        proxy.refuse = on(COMMIT, ABORTED)
        answers = await outcomes([say(hurried, ref, f"text {number}") for number in range(100)])
        assert {type(answer) for answer in answers} == {StoreUnavailable}
        proxy.refuse = on("none", ABORTED)
    assert (await say(storage, ref)).seq == 1


@pytest.mark.parametrize(
    "status", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.NOT_FOUND]
)
async def test_a_project_that_refuses_us_is_a_misconfiguration(
    proxy: Proxy, prefix: str, status: grpc.StatusCode
) -> None:
    proxy.refuse = on(READ, status)
    with pytest.raises(StoreMisconfigured):
        async with opened(proxy.address, prefix):
            pass


async def test_refused_rights_later_on_are_unavailability(storage: Storage, proxy: Proxy) -> None:
    ref = await started(storage)
    proxy.refuse = on(READ, grpc.StatusCode.PERMISSION_DENIED)
    with pytest.raises(StoreUnavailable):
        await storage.sessions.load(ref)
    with pytest.raises(StoreUnavailable):
        await say(storage, ref)


async def test_s15_appending_costs_the_same_calls_and_bytes_at_any_length(storage: Storage, proxy: Proxy) -> None:
    ref = await started(storage)
    await say(storage, ref, "warm up")
    costs = []
    for _ in range(2):
        proxy.calls, proxy.received = [], 0
        await say(storage, ref, "measured", str(uuid4()))
        costs.append((list(proxy.calls), proxy.received))
        await outcomes([say(storage, ref, f"text {number}") for number in range(1_000)])
    (calls, received), (later_calls, later_received) = costs
    assert calls == later_calls == [READ, COMMIT]
    assert later_received < received + 100


async def test_a_purge_that_dies_half_way_is_finished_by_the_sweep(
    storage: Storage, proxy: Proxy, running: Emulator, prefix: str
) -> None:
    ref = await started(storage)
    await outcomes([say(storage, ref, f"text {number}", f"c-{number}", logged=False) for number in range(20)])
    commits = 0

    def refuse(name: str) -> grpc.StatusCode | None:
        nonlocal commits
        commits += name == COMMIT
        return UNAVAILABLE if name == COMMIT and commits > 1 else None

    proxy.refuse = refuse
    with pytest.raises(StoreUnavailable):
        await storage.sessions.delete(ref, LONG)
    with pytest.raises(SessionDeleted):
        await storage.sessions.load(ref)
    with pytest.raises(SessionDeleted):
        await say(storage, ref)
    proxy.refuse = on("none", UNAVAILABLE)
    async with documents(running.address, prefix) as stored:
        assert any("/messages/" in path for path in await stored.stored())
        await storage.sessions.sweep({}, 10)
        assert await stored.stored() == ["meta/ping", f"sessions/{ref.session_id}"]


async def test_a_purge_that_dies_half_way_is_finished_by_the_next_one(
    storage: Storage, proxy: Proxy, running: Emulator, prefix: str
) -> None:
    ref = await started(storage)
    await say(storage, ref, "text", "c-1", logged=False)
    proxy.lose = on("RunQuery", UNAVAILABLE)
    with pytest.raises(StoreUnavailable):
        await storage.sessions.delete(ref, LONG)
    proxy.lose = on("none", UNAVAILABLE)
    assert await storage.sessions.delete(ref, LONG) == Erased()
    async with documents(running.address, prefix) as stored:
        assert await stored.stored() == ["meta/ping", f"sessions/{ref.session_id}"]


async def test_what_firestore_will_not_store_harms_no_neighbour(storage: Storage) -> None:
    """A message of more than 1 MiB is refused; those that were queued with it are stored."""
    ref = await started(storage)
    texts_sent = ["before", "x" * 1_200_000, "after"]
    answers = await outcomes([say(storage, ref, text) for text in texts_sent])
    assert [isinstance(answer, Appended) for answer in answers] == [True, False, True]
    assert isinstance(answers[1], StoreUnavailable)
    assert await texts(storage, ref) == ["before", "after"]


_WRITER = """
import asyncio, sys
from tests.chaos.firestore_kit import opened
from tests.contract.kit import make_ref, say

async def main(address, prefix, session_id, name):
    async with opened(address, prefix, 60.0) as storage:
        ref = make_ref(session_id=session_id)
        await asyncio.gather(*(say(storage, ref, f"{name} {number}", f"{name}-{number}") for number in range(25)))
        for number in range(25, 40):
            await say(storage, ref, f"{name} {number}", f"{name}-{number}")

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_write_to_one_session_lose_nothing(
    storage: Storage, running: Emulator, prefix: str
) -> None:
    ref = await started(storage)
    names = ["ann", "bob", "cleo"]
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _WRITER, running.address, prefix, ref.session_id, name
        )
        for name in names
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    bodies = [decoded(body) for body in await storage.sessions.messages(ref, 0, 1_000)]
    assert [body["seq"] for body in bodies] == list(range(1, 121))
    assert sorted(body["text"] for body in bodies) == sorted(
        f"{name} {number}" for name in names for number in range(40)
    )
    stamps = [body["ts"] for body in bodies]
    assert stamps == sorted(stamps)
    assert len(await logged(storage, ref)) == 120
