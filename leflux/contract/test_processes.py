"""Several processes and many callers at once: G4 with clocks that differ, S6, S19, S20 and S21."""

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any

import pytest

from backends import StoreSettings, open_store
from backends.errors import SessionDeleted, SessionExists
from backends.records import Erased, NewSession, Session
from leflux.contract.harness import Harness
from leflux.contract.kit import (
    LONG,
    OTHER_SITE,
    SITE,
    ask,
    decoded,
    make_ref,
    make_task,
    outcomes,
    say,
    started,
    texts,
)

IDLE = 60.0
"""Seconds: less than each shift. No test waits for it."""
SHIFTS = [90.0, -90.0, 600.0, -600.0, 7200.0, -7200.0]


async def elsewhere(settings: StoreSettings, names: dict[str, str], shift: float) -> dict[str, Any]:
    """What a process saw whose clock is `shift` seconds ahead."""
    told = {"section": settings.section(), "names": names, "shift": shift, "idle_ttl": IDLE}
    command = (sys.executable, "-m", "leflux.contract.other_process", json.dumps(told))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.mark.parametrize("shift", SHIFTS)
async def test_g4_a_process_whose_clock_differs_evicts_and_frees_nothing(machines: StoreSettings, shift: float) -> None:
    storage = await open_store(machines, log_shares_store=True)
    live, leased, deleted = [await started(storage) for _ in range(3)]
    first = await say(storage, live, "from here", renews=True)
    await ask(storage, leased)
    assert await storage.sessions.lease(leased, "here", IDLE) is not None
    await storage.sessions.delete(deleted, IDLE)
    names = {"live": live.session_id, "leased": leased.session_id, "deleted": deleted.session_id}
    found = await elsewhere(machines, names, shift)
    assert found == {"seq": 2, "evicted": [], "orphaned": [], "leased": False, "deleted": "SessionDeleted"}
    assert (await storage.sessions.sweep({SITE: IDLE}, 100)).evicted == ()
    [_, second] = [decoded(body)["ts"] for body in await storage.sessions.messages(live, 0, 10)]
    assert 0 <= second - decoded(first.body)["ts"] < IDLE * 1000
    assert (await storage.sessions.load(live)).last_activity == second
    await storage.close()


async def test_s20_a_burial_and_a_creation_of_one_id_leave_it_buried(shared: Harness) -> None:
    """Whichever is first, and in whatever process."""
    first, second = await shared.open(), await shared.open()
    for number in range(50):
        ref, order = make_ref(), 1 if number % 2 else -1
        calls: list[Awaitable[Any]] = [
            first.sessions.create(ref, NewSession(visitor_id="v-1")),
            second.sessions.delete(ref, LONG, bury_absent=True),
        ]
        created, erased = (await outcomes(calls[::order]))[::order]
        assert isinstance(erased, Erased)
        assert isinstance(created, Session) if erased.sessions else type(created) is SessionExists
        for storage in (first, second):
            with pytest.raises(SessionDeleted):
                await storage.sessions.load(ref)
            with pytest.raises(SessionExists):
                await storage.sessions.create(ref, NewSession())
    await first.close()
    await second.close()


async def test_s6_a_restore_between_writes_is_of_one_moment(shared: Harness) -> None:
    reading, writing = await shared.open(), await shared.open()
    ref = await started(reading)
    is_over = False

    async def write() -> None:
        for number in range(100):
            await say(writing, ref, f"text {number}", opens_turn=True)
            await writing.sessions.swap_task(ref, make_task(task_id=f"task-{number + 1}"), number)
            await asyncio.sleep(0)

    async def read() -> int:
        count = 0
        while not is_over:
            snapshot = await reading.sessions.restore(ref, 0, 1_000)
            session, task = snapshot.session, snapshot.task
            assert [decoded(body)["seq"] for body in snapshot.messages] == list(range(1, session.seq + 1))
            assert session.asked == session.seq
            version = 0 if task is None else task.version
            assert version in (session.seq, session.seq - 1)
            assert task is None or task.task_id == f"task-{version}"
            count += 1
            await asyncio.sleep(0)
        return count

    readers = [asyncio.create_task(read()) for _ in range(4)]
    await write()
    is_over = True
    assert min(await asyncio.gather(*readers)) > 0
    assert len(await texts(reading, ref)) == 100
    await reading.close()
    await writing.close()


async def test_s19_another_site_cannot_give_a_lease_back(shared: Harness) -> None:
    storage = await shared.open()
    ref = await started(storage)
    await ask(storage, ref)
    assert await storage.sessions.lease(ref, "worker", LONG) is not None
    await storage.sessions.unlease(make_ref(OTHER_SITE, ref.session_id), "worker")
    assert await storage.sessions.lease(ref, "another", LONG) is None
    await storage.close()
