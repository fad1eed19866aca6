"""A message log of its own that does not answer at the start: the store serves, and the log is opened later."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends import StoreSettings, check_storage, open_storage
from backends.base import Storage
from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.sqlite import SqliteSettings, schema
from tests.contract.kit import SITE, make_entry, say, started

SESSION = "0b5a6a5e-7f5c-4a43-9f0a-111111111111"


class Locked:
    """A SQLite file that another process has locked, until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._other = sqlite3.connect(path, isolation_level=None)
        self._other.execute("PRAGMA journal_mode = WAL")
        self._other.execute("BEGIN IMMEDIATE")

    @property
    def settings(self) -> StoreSettings:
        return StoreSettings("sqlite", SqliteSettings(path=str(self.path)))

    def release(self) -> None:
        self._other.close()


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Locked:
    monkeypatch.setattr(schema, "BUSY_MS", 10)
    return Locked(tmp_path / "log.db")


@pytest.fixture
async def storage(locked: Locked) -> AsyncIterator[Storage]:
    storage = await open_storage(StoreSettings(), locked.settings)
    yield storage
    await storage.close()
    locked.release()


async def test_messages_are_stored_and_their_lines_wait_while_the_log_is_away(storage: Storage, locked: Locked) -> None:
    ref = await started(storage)
    assert (await say(storage, ref)).seq == 1
    await storage.ping()
    [line] = await storage.sessions.outbox(10)
    with pytest.raises(StoreUnavailable):
        await storage.log.append([line])
    with pytest.raises(StoreUnavailable):
        _ = [entry async for entry in storage.log.export(SITE, None, None)]
    locked.release()
    await storage.log.append([line])
    await storage.sessions.outbox_done([line])
    assert [entry.seq async for entry in storage.log.export(SITE, None, None)] == [1]
    assert await storage.sessions.outbox_size() == 0


async def test_a_log_that_can_never_be_opened_stays_away(storage: Storage, locked: Locked) -> None:
    locked.release()
    for file in locked.path.parent.iterdir():
        file.unlink()
    locked.path.write_text("this is no database, whatever its name says" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await storage.log.append([make_entry(SESSION)])


async def test_a_store_that_can_never_work_closes_the_other_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    never = StoreSettings("sqlite", SqliteSettings(path=str(tmp_path / "file" / "log.db")))
    with pytest.raises(StoreMisconfigured, match="cannot be made"):
        await open_storage(StoreSettings(), never)
    with pytest.raises(StoreMisconfigured, match="cannot be made"):
        await check_storage(never)


async def test_the_check_of_a_store_that_is_away_passes(locked: Locked) -> None:
    await check_storage(locked.settings)
    locked.release()
    await check_storage(locked.settings, StoreSettings())
