"""The retention rule over real logs: what is too old goes, what is not stays, and what a preview says is true."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from backends import open_storage
from backends.base import Storage
from backends.records import LogCount, LogEntry, LogQuery
from leflux.owner.retention import ACTOR, BATCH, DAY_MS, RetentionWorker
from tests.services.config import embedded

NOW = round(time.time() * 1000)


@pytest.fixture(params=["memory", "sqlite"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    storage = await open_storage(embedded(request.param, tmp_path / "leflux.db"))
    yield storage
    await storage.close()


def line(days_ago: float, site_id: str = "shop") -> LogEntry:
    ts = NOW - round(days_ago * DAY_MS)
    return LogEntry(site_id, str(uuid4()), 1, ts, str(uuid4()), "visitor", "hello", b'{"seq":1,"text":"hello"}', ts)


async def test_what_is_older_than_the_rule_is_deleted_in_batches(storage: Storage) -> None:
    old = [line(8) for _ in range(2 * BATCH + 3)]
    young, other = line(6), line(30, "other")
    await storage.log.append([*old, young, other])
    assert await storage.log.count_older("shop", NOW - 7 * DAY_MS) == LogCount(len(old), len(old))
    await RetentionWorker(storage, lambda: {"shop": 7}).run()
    left = await storage.log.sessions("shop", LogQuery())
    assert [session.session_id for session in left.sessions] == [young.session_id]
    assert await storage.log.session("other", other.session_id) is not None
    (entry,) = await storage.settings.audit_trail("shop", 10)
    assert (entry.actor, entry.details) == (ACTOR, {"sessions": len(old), "messages": len(old)})


async def test_without_a_rule_everything_is_kept_for_good(storage: Storage) -> None:
    await storage.log.append([line(5_000)])
    await RetentionWorker(storage, dict).run()
    assert len((await storage.log.sessions("shop", LogQuery())).sessions) == 1
    assert await storage.settings.audit_trail("shop", 10) == []


async def test_a_rule_that_is_taken_back_stops_the_deleting(storage: Storage) -> None:
    await storage.log.append([line(8) for _ in range(2 * BATCH)])
    rules: dict[str, int] = {"shop": 7}
    asked = 0

    def days() -> dict[str, int]:
        nonlocal asked
        asked += 1
        # Once to list the sites, once for the first batch.
        return dict(rules) if asked <= 2 else {}

    await RetentionWorker(storage, days).run()
    assert len((await storage.log.sessions("shop", LogQuery(limit=100))).sessions) == BATCH
