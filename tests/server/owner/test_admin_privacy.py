"""The owner's rules take effect on what is running, in every process, and bad ones change nothing."""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import until
from tests.server.owner_kit import PRIVACY, change, converse, owning, say


async def test_the_rules_begin_as_the_configuration_says(tmp_path: Path) -> None:
    async with owning(tmp_path, session={"idle_ttl": "10m"}) as kit:
        assert await (await kit.owner()).get(PRIVACY) == {
            "clientTtlMs": 86_400_000,
            "idleTtlMs": 600_000,
            "userDataTtlMs": 30 * 86_400_000,
            "messageLog": True,
            "logRetentionDays": None,
            "version": 0,
        }


async def test_a_shorter_idle_time_evicts_a_session_that_is_running(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "hello")
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        await change(owner, idleTtlMs=1_000)
        await socket.wait("session_expired")
        assert (await visitor.call("GET", f"/api/session/{session_id}"))[0] == 404


async def test_new_retention_reaches_the_browser_with_its_next_restore(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "hello")
        await change(owner, clientTtlMs=3_600_000, userDataTtlMs=7_200_000)
        _, restored = await visitor.call("POST", f"/api/session/{session_id}")
        assert (restored["retention"]["clientTtlMs"], restored["retention"]["userDataTtlMs"]) == (3_600_000, 7_200_000)
        assert restored["messageLog"] is True


async def test_with_the_log_off_nothing_that_is_said_reaches_it(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "this is kept")
        await change(owner, messageLog=False)
        assert await say(visitor, session_id, "private matter") == 200
        quiet = await converse(visitor, "private from the start")
        lines = [message["text"] for message in (await owner.get(f"/sites/shop/sessions/{session_id}"))["messages"]]
        assert lines == ["this is kept", "echo: this is kept"]
        listed = [row["conversationId"] for row in (await owner.get("/sites/shop/sessions"))["sessions"]]
        assert listed == await kit.named(session_id)
        opened = await owner.get(f"/sites/shop/sessions/{quiet}")
        assert opened["messages"][0]["text"] == "private from the start"
        assert (await owner.get("/sites/shop/sessions?q=private"))["sessions"] == []


async def test_with_the_log_off_nothing_waits_for_it_either(tmp_path: Path) -> None:
    log = {"backend": "sqlite", "sqlite": {"path": str(tmp_path / "log.db")}}
    async with owning(tmp_path, "sqlite", message_log=log) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        await change(owner, messageLog=False)
        await converse(visitor, "private matter")
        assert await kit.storage.sessions.outbox_size() == 0
        assert (await owner.get("/sites/shop/sessions"))["sessions"] == []


async def test_another_process_follows_without_a_bus(tmp_path: Path) -> None:
    async with owning(tmp_path, "sqlite") as one, owning(tmp_path, "sqlite") as two:
        owner, visitor = await one.owner(), await two.visitor()
        session_id = await converse(visitor, "hello")
        await change(owner, idleTtlMs=300_000, messageLog=False)

        async def follows() -> bool:
            _, restored = await visitor.call("POST", f"/api/session/{session_id}")
            return restored["messageLog"] is False and restored["retention"]["idleTtlMs"] == 300_000

        await until(follows, "the other process follows the new rules")


async def test_rules_survive_a_restart(tmp_path: Path) -> None:
    async with owning(tmp_path, "sqlite") as kit:
        await change(await kit.owner(), messageLog=False)
    async with owning(tmp_path, "sqlite") as kit:
        visitor = await kit.visitor()
        _, answer = await visitor.call("POST", "/api/session/init", {"websiteUrl": "http://shop.test/"})
        assert answer["messageLog"] is False


async def test_a_stale_version_changes_nothing(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        owner = await kit.owner()
        read = await owner.get(PRIVACY)
        await change(owner, clientTtlMs=60_000)
        status, answer = await owner.call("PUT", PRIVACY, read | {"clientTtlMs": 90_000})
        assert (status, answer["error"], answer["details"]["version"]) == (409, "conflict", 1)
        assert (await owner.get(PRIVACY))["clientTtlMs"] == 60_000


BAD: list[Any] = [-1, 0, 999, 1.5, 5_000.0, math.inf, math.nan, 10**30, "60000", None, True, [], {}]


@pytest.mark.parametrize("field", ["clientTtlMs", "idleTtlMs", "userDataTtlMs"])
@pytest.mark.parametrize("value", BAD, ids=repr)
async def test_a_bad_time_is_refused_by_name(tmp_path: Path, field: str, value: Any) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        before = await owner.get(PRIVACY)
        status, answer = await owner.call("PUT", PRIVACY, before | {field: value})
        assert (status, answer["error"], answer["details"]["path"]) == (400, "invalid_request", f"$.{field}")
        assert await owner.get(PRIVACY) == before


@pytest.mark.parametrize("text", ["1e309", "-1e309", "NaN", "-Infinity", "0", "3651", "1.0", '"7"', "true"])
async def test_a_bad_number_of_days_is_refused_by_name(tmp_path: Path, text: str) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        body = f'{{"logRetentionDays": {text}}}'.encode()
        status, answer = await owner.call("POST", f"{PRIVACY}/preview", body)
        assert (status, answer["error"], answer["details"]["path"]) == (400, "invalid_request", "$.logRetentionDays")


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"version": 0}', b"\xff"])
async def test_a_broken_body_changes_nothing(tmp_path: Path, body: bytes) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        status, answer = await owner.call("PUT", PRIVACY, body)
        assert status == 400
        assert answer["error"] in {"bad_json", "invalid_request"}
        assert (await owner.get(PRIVACY))["version"] == 0


async def test_a_change_is_written_down_without_a_word_of_a_visitor(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        await change(owner, messageLog=False, logRetentionDays=7)
        (entry,) = (await owner.get("/sites/shop/audit"))["entries"]
        assert (entry["actor"], entry["action"]) == ("owner@shop.test", "privacy.changed")
        assert entry["details"] == {"messageLog": False, "logRetentionDays": 7}
        assert (await owner.get(f"/sites/shop/audit?before={entry['ts']}"))["entries"] == []
