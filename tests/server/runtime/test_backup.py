"""`backup` beside a busy server, and `restore`: everything acknowledged before it, nothing erased since."""

import asyncio
import re
import sqlite3
import sys
from contextlib import AsyncExitStack, closing
from pathlib import Path

import aiohttp
import pytest

from backends import StoreSettings
from backends.sqlite import SqliteSettings
from backends.sqlite.log import digest
from tests.server.conftest import Visitor
from tests.services import free_port
from tests.services.config import write_config
from tests.services.server import ROOT, ServerProcess


async def command(config: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "run.py", "--config", str(config), *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


class Shop:
    """Many visitors at one server on a SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.database = folder / "data" / "leflux.db"
        self.backup = folder / "backup.db"
        settings = StoreSettings("sqlite", SqliteSettings(str(self.database)))
        self.config = write_config(folder, settings, self.port, agent={"kind": "none"})
        self.acknowledged: dict[str, list[int]] = {}
        self.stopping = asyncio.Event()

    async def say(self, visitor: Visitor, session_id: str, text: str) -> None:
        body = {"sessionId": session_id, "clientMessageId": text, "message": text}
        status, answer = await visitor.call("POST", "/api/chat", body, headers={"Origin": "http://localhost"})
        assert status == 200, answer
        self.acknowledged[session_id].append(answer["seq"])

    async def chatter(self, visitor: Visitor, session_id: str) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            await self.say(visitor, session_id, f"{session_id[:13]}-4000-8000-{number:012}")

    def logged(self) -> dict[str, list[int]]:
        with closing(sqlite3.connect(self.database)) as db:
            rows = db.execute("SELECT id, seq FROM log_lines JOIN log_sessions USING (num) ORDER BY id, seq").fetchall()
        found: dict[str, list[int]] = {}
        for session_id, seq in rows:
            found.setdefault(session_id, []).append(seq)
        return found


async def test_a_backup_under_load_restores_what_was_acknowledged_and_nothing_erased(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        server = await stack.enter_async_context(ServerProcess(shop.config, shop.port))
        visitor = Visitor(server.base, http, stack)
        at_home = {"Origin": "http://localhost"}
        for _ in range(6):
            website = {"websiteUrl": "http://localhost/"}
            _, answer = await visitor.call("POST", "/api/session/init", website, headers=at_home)
            shop.acknowledged[answer["sessionId"]] = []
        load = [asyncio.create_task(shop.chatter(visitor, session_id)) for session_id in shop.acknowledged]
        while min(map(len, shop.acknowledged.values())) < 20:
            await asyncio.sleep(0)
        before = {session_id: list(seqs) for session_id, seqs in shop.acknowledged.items()}
        code, said = await command(shop.config, "backup", str(shop.backup))
        assert code == 0, said
        in_use = await command(shop.config, "restore", str(shop.backup))
        assert in_use[0] == 3
        assert "is in use; stop the server first" in in_use[1]
        shop.stopping.set()
        await asyncio.gather(*load)
        erased = sorted(shop.acknowledged)[:2]
        for session_id in erased:
            status, answer = await visitor.call("DELETE", f"/api/session/{session_id}", headers=at_home)
            assert status == 200, answer
    listed = shop.database.with_name("leflux.db-erased").read_text()
    assert all(digest("demo", session_id) in listed for session_id in erased)
    assert not any(session_id in listed for session_id in shop.acknowledged)
    for name in shop.database.parent.glob("leflux.db*"):
        if not name.name.endswith("-erased"):
            name.unlink()
    code, said = await command(shop.config, "restore", str(shop.backup))
    assert code == 0, said
    assert re.search(r"\b2 conversation\(s\) that were erased since", said)
    logged = shop.logged()
    assert logged.keys() == shop.acknowledged.keys() - set(erased)
    for session_id, seqs in logged.items():
        assert seqs[: len(before[session_id])] == before[session_id]
        assert seqs == list(range(1, len(seqs) + 1))
    kept = b"".join(file.read_bytes() for file in shop.database.parent.iterdir() if not file.name.endswith("-erased"))
    assert not [session_id for session_id in erased if f"{session_id[:13]}-4000-8000".encode() in kept]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"no database", "is no backup of LeFlux"),
        (b"", "is no backup of LeFlux"),
    ],
)
async def test_what_is_no_backup_replaces_nothing(tmp_path: Path, content: bytes | None, said: str) -> None:
    shop = Shop(tmp_path)
    async with ServerProcess(shop.config, shop.port):
        pass
    before = shop.database.read_bytes()
    if content is not None:
        shop.backup.write_bytes(content)
    code, told = await command(shop.config, "restore", str(shop.backup))
    assert code == 3
    assert said in told
    assert shop.database.read_bytes() == before


async def test_a_backup_overwrites_nothing_and_a_healthy_store_has_no_problem(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    async with ServerProcess(shop.config, shop.port):
        shop.backup.write_text("mine")
        code, said = await command(shop.config, "backup", str(shop.backup))
        assert code == 3
        assert "exists already" in said
        assert shop.backup.read_text() == "mine"
        code, said = await command(shop.config, "doctor")
        assert (code, "Nothing is wrong." in said) == (0, True), said
        assert re.search(r"storage: sqlite, answers in \d", said)
