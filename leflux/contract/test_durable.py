"""Rule S11: what was acknowledged is there after the store was opened again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from backends.base import Storage
from backends.errors import DuplicateIdConflict, NotOwner, SessionDeleted, SessionExists, VersionConflict
from backends.records import AuditEntry, LogQuery, NewSession
from leflux.contract.harness import Harness
from leflux.contract.kit import LONG, SITE, ask, logged, make_task, say, started, texts


@asynccontextmanager
async def opened(harness: Harness, split: bool = False) -> AsyncIterator[Storage]:
    storage = await (harness.open_split() if split else harness.open())
    try:
        yield storage
    finally:
        await storage.close()


async def test_s11_messages_state_context_and_task_outlive_the_opening(durable: Harness) -> None:
    async with opened(durable) as storage:
        ref = await started(storage, visitor_id="v-1", prior=b"[]")
        await storage.sessions.claim(ref, "socket", 0, 10)
        bodies = [(await say(storage, ref, f"text {number}", f"c-{number}")).body for number in range(20)]
        await ask(storage, ref)
        await storage.sessions.set_context(ref, b'{"url":"/"}')
        await storage.sessions.swap_task(ref, make_task("held", 1_900_000_000_000), 0)
        await storage.sessions.lease(ref, "worker", LONG)
        before = await storage.sessions.restore(ref, 0, 100)
    async with opened(durable) as storage:
        assert await storage.sessions.restore(ref, 0, 100) == before
        assert before.messages[:20] == bodies
        assert await storage.sessions.context(ref) == (b'{"url":"/"}', b"[]")
        assert await storage.sessions.lease(ref, "another", LONG) is None


async def test_s11_idempotency_and_fence_outlive_the_opening(durable: Harness) -> None:
    async with opened(durable) as storage:
        ref = await started(storage)
        await storage.sessions.claim(ref, "older", 0, 10)
        await storage.sessions.claim(ref, "newer", 0, 10)
        first = await say(storage, ref, "first", "c-1")
    async with opened(durable) as storage:
        assert await say(storage, ref, "first", "c-1") == replace(first, created=False)
        with pytest.raises(DuplicateIdConflict):
            await say(storage, ref, "other", "c-1")
        with pytest.raises(NotOwner):
            await say(storage, ref, "late", epoch=1)
        assert (await say(storage, ref, "second", epoch=2)).seq == 2
        assert (await storage.sessions.claim(ref, "newest", 0, 10)).session.epoch == 3


async def test_s11_a_tombstone_outlives_the_opening(durable: Harness) -> None:
    async with opened(durable, split=True) as storage:
        ref = await started(storage)
        await say(storage, ref)
        [line] = await storage.sessions.outbox(10)
        await storage.sessions.delete(ref, LONG)
        await storage.log.delete_session(ref.site_id, ref.session_id, LONG)
    async with opened(durable, split=True) as storage:
        with pytest.raises(SessionDeleted):
            await say(storage, ref)
        with pytest.raises(SessionExists):
            await storage.sessions.create(ref, NewSession())
        await storage.log.append([line])
        assert await logged(storage, ref) == []


async def test_s11_waiting_log_lines_outlive_the_opening(durable: Harness) -> None:
    async with opened(durable, split=True) as storage:
        ref = await started(storage)
        for number in range(5):
            await say(storage, ref, f"text {number}")
    async with opened(durable, split=True) as storage:
        assert await storage.sessions.outbox_size() == 5
        assert await logged(storage, ref) == [f"text {number}" for number in range(5)]
    async with opened(durable, split=True) as storage:
        assert await storage.sessions.outbox_size() == 0
        assert await logged(storage, ref) == await texts(storage, ref)


async def test_the_log_and_its_index_outlive_the_opening(durable: Harness) -> None:
    async with opened(durable) as storage:
        ref = await started(storage)
        await say(storage, ref, "lasting words")
        summary = await storage.log.session(ref.site_id, ref.session_id)
    async with opened(durable) as storage:
        page = await storage.log.sessions(ref.site_id, LogQuery(words="last"))
        assert page.sessions == [summary]


async def test_k1_settings_and_trail_outlive_the_opening(durable: Harness) -> None:
    async with opened(durable) as storage:
        stored = await storage.settings.put("name", b"{}", 0)
        await storage.settings.audit(SITE, AuditEntry("ann", "changed"))
        trail = await storage.settings.audit_trail(SITE, 10)
    async with opened(durable) as storage:
        assert await storage.settings.get("name") == stored
        assert await storage.settings.audit_trail(SITE, 10) == trail
        with pytest.raises(VersionConflict):
            await storage.settings.put("name", b"late", 0)
