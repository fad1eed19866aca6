"""The owner's side of several processes over one Redis and a bus."""

from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest
import yaml

from backends import open_storage, read_settings
from leflux.owner import documents
from leflux.owner.accounts import Accounts
from tests.conftest import Services
from tests.server.conftest import until
from tests.server.fleet import Member, fleet
from tests.server.owner_kit import EMAIL, Caller, converse, owning
from tests.services.redis import RedisServer, redis


async def test_a_rule_reaches_every_process_over_the_bus(
    tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the note can bring it: the slow timer would take an hour.
    monkeypatch.setattr(documents.Refresher.__init__, "__defaults__", (3600.0,))
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


async def with_account(member: Member, password: str | None = None) -> str:
    """Make an account behind the backs of all; returns an API token of it."""
    store = yaml.safe_load(member.server.config.read_text())["storage"]
    storage = await open_storage(read_settings(store))
    try:
        owners = Accounts(storage.settings)
        await owners.set_account(EMAIL, ["*"], password)
        return await owners.add_token(EMAIL)
    finally:
        await storage.close()


async def owner_of(member: Member, http: aiohttp.ClientSession) -> Caller:
    """An owner who calls this process."""
    token = await with_account(member)
    return Caller(member.server.base, http, {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("is_cut", [False, True], ids=["bus", "bus away"])
async def test_a_shorter_idle_time_reaches_running_sessions_in_every_process(
    tmp_path: Path, services: Services, is_cut: bool
) -> None:
    async with fleet(tmp_path, services.get(redis), session={"idle_ttl": "1h"}) as members:
        owner = await owner_of(members[0], members[0].visitor.http)
        seats = []
        for member in members:
            session_id = await converse(member.visitor, "hello")
            socket = await member.visitor.socket(session_id)
            await socket.wait("session_joined")
            seats.append((member.visitor, session_id, socket))
        if is_cut:
            members[1].bus.cut()
        rules = await owner.get("/sites/shop/privacy")
        assert rules["idleTtlMs"] == 3_600_000
        assert (await owner.call("PUT", "/sites/shop/privacy", rules | {"idleTtlMs": 1_000}))[0] == 200
        for visitor, session_id, socket in seats:
            await socket.wait("session_expired")
            assert (await visitor.call("GET", f"/api/session/{session_id}"))[0] == 404
