"""`run.py create-admin`, `export` and `purge` as processes, beside a server that runs on the same store."""

import asyncio
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml

from leflux.commands import accounts, cli
from leflux.config import load
from leflux.runtime import wiring
from tests.server.conftest import settings_tree
from tests.server.owner_kit import Caller, OwnerKit, converse, owning
from tests.services.server import ROOT

EMAIL = "boss@shop.test"


async def run(folder: Path, *arguments: str, typed: str = "", backend: str = "sqlite") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    config = folder / "command.yaml"
    config.write_text(yaml.safe_dump(settings_tree(folder, backend)))
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "run.py", "--config", str(config), *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await command.communicate(typed.encode())
    assert command.returncode is not None
    return command.returncode, out.decode(), errors.decode()


async def login(kit: OwnerKit, password: str) -> int:
    browser = await kit.anonymous()
    return (await browser.call("POST", "/login", {"email": EMAIL, "password": password}))[0]


async def test_an_account_is_made_and_gets_a_new_password_while_the_server_runs(tmp_path: Path) -> None:
    async with owning(tmp_path, "sqlite") as kit:
        for password in ("the first password", "the second password"):
            code, out, _ = await run(tmp_path, "create-admin", EMAIL, typed=f"{password}\n")
            assert (code, out.splitlines()) == (0, [EMAIL, password])
            assert await login(kit, password) == 200
        assert await login(kit, "the first password") == 401
        code, _, errors = await run(tmp_path, "create-admin", EMAIL, typed="short\n")
        assert (code, "12 to 1024 characters" in errors) == (2, True)


async def test_a_token_opens_the_sites_it_was_made_for(tmp_path: Path) -> None:
    async with owning(tmp_path, "sqlite") as kit:
        code, out, _ = await run(tmp_path, "create-admin", EMAIL, "--token", "--site", "other")
        assert code == 0
        caller = Caller(kit.base, await kit.http(), {"Authorization": f"Bearer {out.strip()}"})
        assert [site["id"] for site in (await caller.get("/sites"))["sites"]] == ["other"]
        database = b"".join(file.read_bytes() for file in tmp_path.glob("leflux.db*"))  # noqa: ASYNC240 - small files
        assert out.strip().encode() not in database


async def within(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = ""
) -> tuple[int, str, str]:
    """As `run`, without the time that a process takes to start."""
    config = folder / "command.yaml"
    config.write_text(yaml.safe_dump(settings_tree(folder, "sqlite")))
    out, errors = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with redirect_stdout(out), redirect_stderr(errors):
        code = await accounts.run(load(config), cli.parse(arguments))
    return code, out.getvalue(), errors.getvalue()


async def test_an_account_keeps_its_sites_and_a_token_never_widens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owning(tmp_path, "sqlite") as kit:
        assert (
            await within(tmp_path, monkeypatch, "create-admin", EMAIL, "--site", "shop", typed="the first password\n")
        )[0] == 0
        assert (await within(tmp_path, monkeypatch, "create-admin", EMAIL, typed="the second password\n"))[0] == 0
        assert (await kit.owners.get(EMAIL)).sites == ("shop",)
        code, _, errors = await within(tmp_path, monkeypatch, "create-admin", EMAIL, "--token", "--site", "other")
        assert (code, "may not see" in errors) == (2, True)
        assert (await kit.owners.get(EMAIL)).sites == ("shop",)
        assert (
            await within(tmp_path, monkeypatch, "create-admin", EMAIL, "--all-sites", typed="the second password\n")
        )[0] == 0
        code, out, _ = await within(
            tmp_path, monkeypatch, "create-admin", EMAIL, "--token", "--site", "other", "--name", "nightly"
        )
        caller = Caller(kit.base, await kit.http(), {"Authorization": f"Bearer {out.strip()}"})
        assert [site["id"] for site in (await caller.get("/sites"))["sites"]] == ["other"]
        assert (await kit.owners.get(EMAIL)).sites == ("*",)
        assert await login(kit, "the second password") == 200


async def test_tokens_sign_ins_and_accounts_are_listed_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with owning(tmp_path, "sqlite") as kit:
        await within(tmp_path, monkeypatch, "create-admin", EMAIL, typed="the first password\n")
        _, out, _ = await within(
            tmp_path, monkeypatch, "create-admin", EMAIL, "--token", "--name", "nightly", "--expires", "never"
        )
        token = Caller(kit.base, await kit.http(), {"Authorization": f"Bearer {out.strip()}"})
        browser = await kit.anonymous()
        await browser.call("POST", "/login", {"email": EMAIL, "password": "the first password"})
        assert f"{EMAIL}\t*" in (await within(tmp_path, monkeypatch, "accounts"))[1]
        _, listed, _ = await within(tmp_path, monkeypatch, "tokens", EMAIL)
        token_id, name, sites, _, _, expires = listed.rstrip("\n").split("\t")
        assert (name, sites, expires) == ("nightly", "*", "-")
        assert (await within(tmp_path, monkeypatch, "tokens", EMAIL, "--revoke", "0" * 16))[0] == 1
        assert (await within(tmp_path, monkeypatch, "tokens", EMAIL, "--revoke", token_id))[0] == 0
        assert (await token.call("GET", "/me"))[0] == 401
        assert "127.0.0.1" in (await within(tmp_path, monkeypatch, "logins", EMAIL))[1]
        assert (await within(tmp_path, monkeypatch, "logins", EMAIL, "--end", "all"))[0] == 0
        assert (await browser.call("GET", "/me"))[0] == 401
        await browser.call("POST", "/login", {"email": EMAIL, "password": "the first password"})
        assert (await within(tmp_path, monkeypatch, "set-password", EMAIL, typed="the second password\n"))[0] == 0
        assert (await browser.call("GET", "/me"))[0] == 401
        assert await login(kit, "the second password") == 200
        assert (await within(tmp_path, monkeypatch, "remove-admin", EMAIL))[0] == 0
        assert (await within(tmp_path, monkeypatch, "remove-admin", EMAIL))[0] == 1
        assert await login(kit, "the second password") == 401
        trail = (await (await kit.owner()).get("/sites/shop/audit"))["entries"]
        by_command = [entry["action"] for entry in trail if entry["actor"] == "command line"]
        ended = ["account.removed", "account.password_changed", "account.sign_in_ended", "account.token_revoked"]
        assert by_command == [*ended, "account.token_created", "account.created"]


async def test_a_log_is_exported_and_a_conversation_purged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "RECONCILE_ALONE", 0.5)
    async with owning(tmp_path, "sqlite") as kit:
        visitor = await kit.visitor()
        session_id = await converse(visitor, "erase this")
        tab = await visitor.socket(session_id)
        await tab.wait("session_joined")
        code, out, _ = await run(tmp_path, "export", "shop")
        assert (code, [json.loads(line)["text"] for line in out.splitlines()]) == (
            0,
            ["erase this", "echo: erase this"],
        )
        code, out, _ = await run(tmp_path, "export", "shop", "--format", "csv")
        assert (code, out.splitlines()[0].split(",")[0]) == (0, "\ufeffconversationId")
        # Owners know a conversation by its conversation id; the session's own would do as well.
        code, out, _ = await run(tmp_path, "purge", "shop", *await kit.named(session_id))
        assert (code, "sessions: 1, messages: 2, logged: 2" in out) == (0, True)
        assert (await visitor.call("GET", f"/api/session/{session_id}"))[0] == 410
        # There is no bus that could tell the open page: the server looks by itself.
        await tab.wait("session_deleted")
        assert (await run(tmp_path, "export", "shop"))[1] == ""
        trail = (await (await kit.owner()).get("/sites/shop/audit"))["entries"]
        assert [entry["action"] for entry in trail] == [
            "log.exported",
            "session.deleted",
            "log.exported",
            "log.exported",
        ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["purge", "shop", "00000000-0000-4000-8000-000000000000"], 1, "no such session"),
        (["purge", "shop", "x"], 2, "26 letters and digits"),
        (["purge", "nowhere", "00000000-0000-4000-8000-000000000000"], 2, "There is no site 'nowhere'"),
        (["export", "nowhere"], 2, "There is no site 'nowhere'"),
        (["create-admin", "no-address"], 2, "not an email address"),
        (["create-admin", EMAIL, "--site", "nowhere"], 2, "There is no site 'nowhere'"),
        (["create-admin", EMAIL, "--token", "--expires", "soon"], 2, "Expected a duration"),
        (["set-password", "nobody@shop.test"], 1, "no account"),
        (["tokens", "nobody@shop.test"], 1, "no account"),
    ],
)
async def test_a_wrong_call_says_what_is_wrong(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    found, _, errors = await run(tmp_path, *arguments, typed="a good password\n")
    assert (found, said in errors) == (code, True), errors


@pytest.mark.parametrize("arguments", [["create-admin", EMAIL], ["export", "shop"], ["purge", "shop", "x"]])
async def test_with_memory_as_storage_there_is_nothing_to_work_on(tmp_path: Path, arguments: list[str]) -> None:
    code, _, errors = await run(tmp_path, *arguments, backend="memory")
    assert (code, "With memory as storage" in errors) == (2, True)
