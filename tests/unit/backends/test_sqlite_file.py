"""SQLite's file: what cannot be opened, what is corrupt, what a purge leaves, what kill -9 leaves."""

import asyncio
import random
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.errors import SessionCorrupt, SessionDeleted, StoreMisconfigured, StoreUnavailable
from backends.records import LogQuery, SessionRef
from backends.sqlite import SqliteSettings
from backends.sqlite.schema import VERSION
from tests.contract.kit import LONG, SITE, ask, decoded, make_entry, say, started, texts, until

ROOT = Path(__file__).resolve().parents[3]
KILLS = 4


def settings(path: Path) -> StoreSettings:
    return StoreSettings(backend="sqlite", options=SqliteSettings(path=str(path)), deadline=30.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "leflux.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[Storage]:
    storage = await open_storage(settings(path))
    yield storage
    await storage.close()


def edit(path: Path, statement: str, *values: object) -> None:
    """Change the file behind the store's back."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


async def test_a_file_of_a_newer_leflux_is_refused_and_left_as_it_is(path: Path) -> None:
    await (await open_storage(settings(path))).close()
    edit(path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreMisconfigured, match="newer"):
        await open_storage(settings(path))
    edit(path, f"PRAGMA user_version = {VERSION}")
    await (await open_storage(settings(path))).close()


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 1000)
    with pytest.raises(StoreMisconfigured, match=r"notes\.txt"):
        await open_storage(settings(path))
    assert path.read_text() == "not a database\n" * 1000


async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreMisconfigured):
        await open_storage(settings(tmp_path))


async def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreMisconfigured):
        await open_storage(settings(tmp_path / "file" / "leflux.db"))


@pytest.mark.parametrize("column", ["seq", "epoch", "activity", "last_ts", "lease_until"])
async def test_a_corrupt_row_quarantines_its_session_only(storage: Storage, path: Path, column: str) -> None:
    broken, sound = await started(storage), await started(storage)
    await say(storage, broken, "canary")
    edit(path, f"UPDATE sessions SET {column} = 'garbage' WHERE id = ?", broken.session_id)
    for call in (storage.sessions.load(broken), say(storage, broken), storage.sessions.claim(broken, "s", 0, 10)):
        with pytest.raises(SessionCorrupt):
            await call
    assert (await say(storage, sound)).seq == 1
    await storage.sessions.sweep({SITE: LONG}, 10)
    await storage.sessions.delete(broken, LONG, bury_absent=True)
    with pytest.raises(SessionDeleted):
        await storage.sessions.load(broken)
    assert await storage.sessions.active() == 1


async def test_a_disk_that_fills_up_loses_nothing_acknowledged_and_recovers(storage: Storage) -> None:
    """The page limit acts as a full disk does: SQLite answers SQLITE_FULL."""
    ref = await started(storage)
    pages = await _pages(storage, None)
    await _pages(storage, pages + 40)
    acknowledged = [text async for text in _said_until_refused(storage, ref)]
    assert acknowledged
    assert await texts(storage, ref) == acknowledged
    await _pages(storage, 1_000_000)
    stored = await say(storage, ref, "after", f"c-{len(acknowledged)}")
    assert stored.seq == len(acknowledged) + 1


async def _said_until_refused(storage: Storage, ref: SessionRef) -> AsyncIterator[str]:
    for number in range(10_000):
        text = f"{number} " + "x" * 500
        try:
            await say(storage, ref, text, f"c-{number}")
        except StoreUnavailable:
            return
        yield text
    pytest.fail("the disk never filled up")


async def _pages(storage: Storage, limit: int | None) -> int:
    writer = storage.sessions._writer  # type: ignore[attr-defined]
    statement = "PRAGMA page_count" if limit is None else f"PRAGMA max_page_count = {limit}"
    return int(await writer.run(lambda db: db.execute(statement).fetchone()[0]))


async def test_a_purge_leaves_no_byte_of_the_text_in_the_files(storage: Storage, path: Path) -> None:
    ref = await started(storage, prior=b'["canaryprior"]')
    for number in range(50):
        await say(storage, ref, f"canaryword {number}", f"canarykey-{number}", fingerprint="canaryprint")
    await storage.sessions.set_context(ref, b'"canarycontext"')
    await ask(storage, await started(storage), "something else")
    await storage.sessions.delete(ref, LONG)
    await storage.log.delete_session(ref.site_id, ref.session_id, LONG)
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"something else" in left
    assert b"canary" not in left


def bytes_in(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


async def test_a_rule_of_retention_leaves_no_byte_of_the_text_in_the_files(storage: Storage, path: Path) -> None:
    for number in range(50):
        await storage.log.append([make_entry("s-old", number + 1, text=f"canaryword{number} 東京canary", ts=1_000)])
    await storage.log.append([make_entry("s-new", text="something else")])
    assert b"canary" in bytes_in(path)
    assert (await storage.log.delete_older(SITE, 2_000, 10)).messages == 50
    left = bytes_in(path)
    assert b"something else" in left
    assert b"canary" not in left
    assert "東京".encode() not in left


async def test_an_eviction_leaves_no_byte_of_what_no_log_keeps(path: Path) -> None:
    storage = await open_storage(settings(path))
    try:
        ref = await started(storage)
        for number in range(20):
            await say(storage, ref, f"canaryword {number}", f"c-{number}", logged=False, fingerprint="print")
        await storage.sessions.set_context(ref, b'"canarycontext"')
        swept = await storage.sessions.sweep({SITE: 0.0}, 10, 1.0)
        assert [name.session_id for name in swept.evicted] == [ref.session_id]
        assert b"canary" not in bytes_in(path)
    finally:
        await storage.close()


async def test_a_file_of_the_last_version_is_searched_like_a_new_one(path: Path) -> None:
    storage = await open_storage(settings(path))
    await storage.log.append([make_entry("s-1", text="Köln 東京")])
    await storage.close()
    edit(path, "UPDATE log_text SET words = 'köln 東京'")
    edit(path, "ALTER TABLE sessions DROP COLUMN take_over")
    edit(path, "PRAGMA user_version = 4")
    storage = await open_storage(settings(path))
    found = [await storage.log.sessions(SITE, LogQuery(words=words)) for words in ("koln", "京", "Köln")]
    await storage.close()
    assert [[session.session_id for session in page.sessions] for page in found] == [["s-1"]] * 3


async def test_a_file_of_version_5_keeps_its_search_and_its_sessions_can_be_taken(path: Path) -> None:
    storage = await open_storage(settings(path))
    ref = await started(storage)
    await say(storage, ref, "Köln 東京")
    await storage.close()
    edit(path, "ALTER TABLE sessions DROP COLUMN take_over")
    edit(path, "PRAGMA user_version = 5")
    storage = await open_storage(settings(path))
    page = await storage.log.sessions(SITE, LogQuery(words="koln"))
    taking = await storage.sessions.take(ref, "account", "Ann", 60.0)
    session = await storage.sessions.load(ref)
    await storage.close()
    assert [found.session_id for found in page.sessions] == [ref.session_id]
    assert (session.seq, session.person) == (1, taking.person)


CHILD = """
import asyncio, sys
from itertools import count
from backends import StoreSettings, open_storage
from backends.sqlite import SqliteSettings
from backends.records import LogQuery, SessionRef
from tests.contract.kit import say

async def main(path, session_id, start):
    storage = await open_storage(StoreSettings(backend="sqlite", options=SqliteSettings(path=path), deadline=30.0))
    ref = SessionRef("shop", session_id, 3600.0)
    async def caller(first):
        for number in count(first, 4):
            stored = await say(storage, ref, f"text {number}", f"c-{number}")
            print(stored.seq, number, flush=True)
    await asyncio.gather(*(caller(start + offset) for offset in range(4)))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_s11_kill_9_at_any_moment_loses_nothing_acknowledged(path: Path) -> None:
    storage = await open_storage(settings(path))
    ref = await started(storage)
    await storage.close()
    acknowledged: dict[int, str] = {}
    for round_ in range(KILLS):
        wanted = random.Random(round_).randrange(5, 120)
        acknowledged |= await _write_until_killed(path, ref.session_id, round_ * 10_000_000, wanted)
        storage = await open_storage(settings(path))
        bodies = [decoded(body) for body in await storage.sessions.messages(ref, 0, 1_000_000)]
        log = await storage.log.messages(ref.site_id, ref.session_id, 0, 1_000_000)
        assert [body["seq"] for body in bodies] == list(range(1, len(bodies) + 1))
        stored = {body["seq"]: body["text"] for body in bodies}
        assert acknowledged.items() <= stored.items()
        assert [decoded(body) for body in log] == bodies
        await storage.close()
    assert len(acknowledged) >= KILLS * 5


async def _write_until_killed(path: Path, session_id: str, start: int, wanted: int) -> dict[int, str]:
    """Run a child that appends and prints what was acknowledged; SIGKILL it after `wanted` lines."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(path), session_id, str(start), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert child.stdout is not None
    lines: list[bytes] = []
    while len(lines) < wanted and (line := await child.stdout.readline()):
        lines.append(line)
    child.send_signal(signal.SIGKILL)
    lines += (await child.stdout.read()).splitlines(keepends=True)
    assert await child.wait() == -signal.SIGKILL
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    return {int(seq): f"text {number.decode()}" for seq, number in whole}


async def test_a_file_of_an_older_schema_is_upgraded(path: Path) -> None:
    storage = await open_storage(settings(path))
    ref = await started(storage)
    await say(storage, ref, "before the update", "c-1")
    await storage.close()
    old = sqlite3.connect(path)
    for table in ("evicted", "evicted_keys", "deletions", "workers"):
        old.execute(f"DROP TABLE {table}")
    old.execute("ALTER TABLE sessions RENAME COLUMN holder TO owner")
    old.execute("ALTER TABLE sessions DROP COLUMN take_over")
    old.execute("PRAGMA user_version = 1")
    old.close()
    storage = await open_storage(settings(path))
    assert not (await say(storage, ref, "before the update", "c-1")).created
    await storage.sessions.delete(ref, LONG)
    assert len(await storage.sessions.deletions(10)) == 1
    await storage.close()


async def test_a_file_that_takes_no_write_is_not_ready(path: Path) -> None:
    storage = await open_storage(StoreSettings("sqlite", SqliteSettings(path=str(path)), deadline=0.5))
    foreign = sqlite3.connect(path, isolation_level=None)
    try:
        foreign.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await storage.ping()
        foreign.execute("ROLLBACK")

        async def is_ready() -> bool:
            with suppress(StoreUnavailable):
                await storage.ping()
                return True
            return False

        # The writer may still sleep before its next look at the lock.
        await until(is_ready, "the file takes writes again")
    finally:
        foreign.close()
        await storage.close()
