"""The stores that 0.2.0 (commit 2e379fe) has written, opened by this version; `v0_2_0/write.py.txt` wrote them."""

import gzip
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.errors import SessionDeleted, StoreMisconfigured
from backends.firestore import FirestoreSettings
from backends.records import LogQuery, SessionRef
from backends.redis import RedisSettings
from backends.sqlite import SqliteSettings
from backends.sqlite.schema import VERSION
from tests.contract.kit import make_draft
from tests.services.firestore import emulator, named
from tests.services.redis import RedisServer
from tests.services.server import ROOT

CORPUS = Path(__file__).parent / "v0_2_0"
SITE, YEARS = "demo", 100 * 366 * 86_400.0
IDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(4)]
STEPS = 5_600
"""Instructions of the whole migration, about."""
STORES = ("sqlite", "redis", "firestore")


def ref(place: int) -> SessionRef:
    return SessionRef(SITE, IDS[place], YEARS)


@contextmanager
def written(name: str, folder: Path) -> Iterator[StoreSettings]:
    """The store as 0.2.0 left it."""
    with ExitStack() as stack:
        if name == "sqlite":
            (folder / "old.db").write_bytes(gzip.decompress((CORPUS / "sqlite.db.gz").read_bytes()))
            yield StoreSettings("sqlite", SqliteSettings(str(folder / "old.db")))
        elif name == "redis":
            (folder / "dump.rdb").write_bytes(gzip.decompress((CORPUS / "redis.rdb.gz").read_bytes()))
            server = RedisServer(folder, "--appendonly", "no", "--dbfilename", "dump.rdb")
            stack.callback(server.close)
            server.start()
            yield StoreSettings("redis", RedisSettings(server.url), 30.0)
        else:
            with tarfile.open(CORPUS / "firestore.tar.gz") as archive:
                archive.extractall(folder / "exp", filter="data")
            export = folder / "exp" / "exp.overall_export_metadata"
            running = stack.enter_context(emulator(f"--seed_from_export={export}"))
            stack.enter_context(named(running.address))
            yield StoreSettings("firestore", FirestoreSettings(), 30.0)


@asynccontextmanager
async def opened(settings: StoreSettings) -> AsyncIterator[Storage]:
    storage = await open_storage(settings)
    try:
        yield storage
    finally:
        await storage.close()


def texts(messages: list[bytes]) -> list[tuple[int, str]]:
    return [(message["seq"], message["text"]) for message in map(json.loads, messages)]


@pytest.mark.parametrize("name", STORES)
async def test_a_store_of_0_2_0_is_read_whole_and_written_on_and_a_newer_one_is_refused(
    name: str, tmp_path: Path
) -> None:
    with written(name, tmp_path) as settings:
        for _ in range(2):
            async with opened(settings) as storage:
                await check(storage)
        async with opened(settings) as storage:
            again = await storage.sessions.append(
                ref(0), make_draft("another", client_message_id=f"{IDS[0][:-4]}9001", fingerprint=None)
            )
            assert (again.seq, again.created) == (1, False)
            fresh = await storage.sessions.append(ref(0), make_draft("And now?", client_message_id=str(uuid4())))
            assert (fresh.seq, fresh.created) == (9, True)
            assert (await storage.sessions.claim(ref(2), "socket-2", 0, 1)).session.epoch == 2
            if name != "sqlite":
                # Version 1 needs no document.
                found = await storage.settings.get("schema")
                await storage.settings.put("schema", b'{"version":99}', 0 if found is None else found.version)
        if name == "sqlite":
            set_version(tmp_path / "old.db", 99)
        with pytest.raises(
            StoreMisconfigured, match=r"was written by a newer LeFlux \(schema 99; this one knows \d+\)"
        ):
            await open_storage(settings)


def set_version(file: Path, version: int) -> None:
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        db.execute(f"PRAGMA user_version = {version}")


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from backends.sqlite import schema
left, opened = int(sys.argv[2]), schema.connect
def connect(path):
    connection = opened(path)
    def step():
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    connection.set_progress_handler(step, 1)
    return connection
schema.connect = connect
schema.migrate(Path(sys.argv[1]))
"""


def killed_after(file: Path, steps: int) -> bool:
    """Migrate in a process that is killed after so many instructions of SQLite; False when it came through."""
    command = [sys.executable, "-c", KILLED, str(file), str(steps)]
    code = subprocess.run(command, cwd=ROOT, timeout=60).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


async def test_an_erasure_leaves_no_word_in_the_index_that_0_2_0_wrote(tmp_path: Path) -> None:
    with written("redis", tmp_path) as settings:
        assert isinstance(settings.options, RedisSettings)
        async with opened(settings) as storage:
            for session_id in IDS[:3]:
                await storage.log.delete_session(SITE, session_id, 60.0)
        async with Redis.from_url(settings.options.url) as client:
            assert [key async for key in client.scan_iter("*:words")] == []


async def test_a_migration_killed_anywhere_completes_at_the_next_start(tmp_path: Path) -> None:
    chance, kills = random.Random(22), 0
    with written("sqlite", tmp_path) as settings:
        old = (tmp_path / "old.db").read_bytes()
        for _ in range(20):
            for name in ("old.db-wal", "old.db-shm"):
                (tmp_path / name).unlink(missing_ok=True)
            (tmp_path / "old.db").write_bytes(old)
            kills += killed_after(tmp_path / "old.db", chance.randrange(STEPS))
            async with opened(settings) as storage:
                await check(storage)
    assert kills >= 15


async def check(storage: Storage) -> None:
    """Everything that the corpus holds, and nothing that was erased."""
    for place, count in ((0, 8), (1, 9), (2, 8)):
        said = [(number, f"Message {number} of {place}: Grüße, 你好 🌍") for number in range(1, count + 1)]
        snapshot = await storage.sessions.restore(ref(place), 0, 200)
        assert texts(list(snapshot.messages)) == said
        assert snapshot.session.visitor_id == "visitor-1"
        assert texts(await storage.log.messages(SITE, IDS[place], 0, 100)) == said
        context, _ = await storage.sessions.context(ref(place))
        assert json.loads(context or b"")["title"] == "Home"
    assert (await storage.sessions.restore(ref(1), 0, 1)).session.continues == IDS[0]
    task = await storage.sessions.task(ref(2))
    assert task is not None
    assert (task.task_id, task.status) == ("task-1", "done")
    with pytest.raises(SessionDeleted):
        await storage.sessions.restore(ref(3), 0, 1)
    assert await storage.log.messages(SITE, IDS[3], 0, 100) == []
    page = await storage.log.sessions(SITE, LogQuery(words="你好"))
    assert {found.session_id for found in page.sessions} == set(IDS[:3])
    document = await storage.settings.get("privacy:demo")
    assert document is not None
    assert json.loads(document.value) == {"messageLog": True}
    assert [entry.action for entry in await storage.settings.audit_trail(SITE, 10)] == ["privacy.changed"]
