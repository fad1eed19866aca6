"""The owner's side of several processes over one Redis and a bus."""

from pathlib import Path
from uuid import uuid4

import pytest

from leflux import live
from tests.conftest import Services
from tests.server.conftest import until
from tests.server.owner import converse, owning
from tests.services.redis import RedisServer, redis


async def test_a_rule_reaches_every_process_over_the_bus(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the note can bring it: the slow timer would take an hour.
    monkeypatch.setattr(live.Refresher.__init__, "__defaults__", (3600.0,))
    server: RedisServer = services.get(redis)
    storage = {"backend": "redis", "redis": {"url": server.url, "prefix": f"{uuid4().hex}:"}}
    async with (
        owning(tmp_path, storage=storage, bus=server.url) as one,
        owning(tmp_path, storage=storage, bus=server.url) as two,
    ):
        assert len(one.told) + len(two.told) <= 1
        owner, visitor = await one.owner(), await two.visitor()
        session_id = await converse(visitor, "hello")
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        rules = await owner.get("/sites/shop/privacy")
        assert (await owner.call("PUT", "/sites/shop/privacy", rules | {"messageLog": False}))[0] == 200

        async def follows() -> bool:
            return (await visitor.call("GET", f"/api/session/{session_id}"))[1]["messageLog"] is False

        await until(follows, "the other process follows")
        assert (await owner.call("DELETE", f"/sites/shop/sessions/{session_id}"))[0] == 200
        await socket.wait("session_deleted")
