"""G4: time is the store's clock. A jump of this machine's clock ends no session, lease or tombstone."""

import time

import pytest

from backends.base import Storage
from backends.clock import CLOCK
from backends.errors import SessionDeleted
from leflux.contract.kit import LONG, SITE, ask, decoded, make_task, say, started, texts

JUMPS = [3600.0, -3600.0]
TTL = 600.0


def jump(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Move the wall clock, and the monotonic one as some virtual machines do."""
    monkeypatch.setattr(CLOCK, "_wall", lambda: time.time() + seconds)
    monkeypatch.setattr(CLOCK, "_monotonic", lambda: time.monotonic() + seconds)


@pytest.mark.parametrize("seconds", JUMPS)
async def test_g4_a_jump_of_the_clock_evicts_no_live_session(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    ref = await started(storage)
    first = await say(storage, ref, "before", renews=True)
    jump(monkeypatch, seconds)
    second = await say(storage, ref, "after", renews=True)
    assert 0 <= decoded(second.body)["ts"] - decoded(first.body)["ts"] < TTL * 1000
    assert (await storage.sessions.sweep({SITE: TTL}, 50)).evicted == ()
    assert await texts(storage, ref) == ["before", "after"]


@pytest.mark.parametrize("seconds", JUMPS)
async def test_g4_a_jump_of_the_clock_ends_no_lease_deadline_or_tombstone(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    ref, gone = await started(storage), await started(storage)
    created = await storage.sessions.load(ref)
    await ask(storage, ref)
    await storage.sessions.swap_task(ref, make_task(deadline=created.created_at + int(TTL * 1000)), 0)
    assert await storage.sessions.lease(ref, "ann", TTL) is not None
    await storage.sessions.delete(gone, TTL)
    jump(monkeypatch, seconds)
    assert await storage.sessions.lease(ref, "bob", TTL) is None
    swept = await storage.sessions.sweep({SITE: LONG}, 50)
    assert (swept.overdue, swept.orphaned) == ((), ())
    with pytest.raises(SessionDeleted):
        await storage.sessions.load(gone)
