"""A server whose store is away at the start serves 503, and opens when the store answers."""

import sqlite3
from pathlib import Path

import aiohttp
import pytest
import yaml

from backends.sqlite import schema
from leflux.config import load
from leflux.runtime.server import LeFlux
from tests.services.wait import until


async def test_a_store_that_is_away_at_the_start_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUSY_MS", 10)
    file = tmp_path / "leflux.yaml"
    path = tmp_path / "leflux.db"
    tree = {
        "server": {"host": "127.0.0.1", "port": 0},
        "storage": {"backend": "sqlite", "sqlite": {"path": str(path)}},
        "sites": [{"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}],
    }
    file.write_text(yaml.safe_dump(tree))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    server = LeFlux(load(file))
    port = await server.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as web:
            async with web.get("/health") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok"})
            for path_ in ("/ready", "/api/session/init", "/dashboard/"):
                async with web.post(path_) as answer:
                    assert (answer.status, (await answer.json())["error"]) == (503, "store_unavailable")
            other.execute("COMMIT")

            async def is_ready() -> bool:
                async with web.get("/ready") as answer:
                    return answer.status == 200

            await until(is_ready, "the server serves once the store answers")
    finally:
        other.close()
        await server.stop()
