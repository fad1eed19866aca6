"""An account's password, sign-ins and tokens over the API, the throttle of its sign-in, and what is written down."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from backends.records import AuditEntry
from leflux.owner import throttle
from tests.server.owner.test_admin_login import cookie, signed_in
from tests.server.owner_kit import EMAIL, PASSWORD, Caller, OwnerKit, converse, owning

NEW = "another password"
BEHIND_PROXY = {"host": "127.0.0.1", "port": 0, "trusted_proxies": ["127.0.0.1"]}


async def login(kit: OwnerKit, password: str = PASSWORD, address: str = "10.9.9.9", email: str = EMAIL) -> int:
    """The status of a sign-in by a browser that nobody knows."""
    caller = await kit.anonymous()
    return (await caller.call("POST", "/login", {"email": email, "password": password}, X_Forwarded_For=address))[0]


async def actions(owner: Caller, site: str = "shop") -> list[str]:
    return [entry["action"] for entry in (await owner.get(f"/sites/{site}/audit"))["entries"]]


async def test_a_new_password_ends_the_other_sign_ins_and_keeps_this_browser_in(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        other, _ = await signed_in(kit)
        here = await kit.anonymous()
        _, me = await here.call("POST", "/login", {"email": EMAIL, "password": PASSWORD})
        token = await kit.owners.add_token(EMAIL)
        body = {"currentPassword": PASSWORD, "newPassword": NEW}
        wrong = body | {"currentPassword": "not the password"}
        assert (await here.call("POST", "/password", wrong, X_CSRF_Token=me["csrfToken"]))[0] == 403
        status, after = await here.call("POST", "/password", body, X_CSRF_Token=me["csrfToken"])
        assert (status, after["email"]) == (200, EMAIL)
        assert (await here.get("/me")) == after
        assert (await other.call("GET", "/me"))[0] == 401
        bearer = Caller(kit.base, await kit.http(), {"Authorization": f"Bearer {token}"})
        assert (await bearer.get("/me"))["email"] == EMAIL
        again = {"currentPassword": NEW, "newPassword": PASSWORD, "revokeTokens": True}
        assert (await here.call("POST", "/password", again, X_CSRF_Token=after["csrfToken"]))[0] == 200
        assert (await bearer.call("GET", "/me"))[0] == 401
        assert (await actions(here)).count("account.password_changed") == 2


async def test_sign_ins_are_listed_and_ended_one_by_one(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        other, _ = await signed_in(kit)
        here = await kit.anonymous()
        _, me = await here.call("POST", "/login", {"email": EMAIL, "password": PASSWORD}, User_Agent="Test/1")
        listed = (await here.get("/logins"))["logins"]
        assert {entry["current"] for entry in listed} == {True, False}
        assert next(entry for entry in listed if entry["current"])["agent"] == "Test/1"
        assert cookie(other).value not in str(listed)
        there = next(entry["id"] for entry in listed if not entry["current"])
        csrf = {"X_CSRF_Token": me["csrfToken"]}
        assert (await here.call("DELETE", f"/logins/{there}", **csrf))[0] == 200
        assert (await here.call("DELETE", f"/logins/{there}", **csrf))[0] == 404
        assert (await other.call("GET", "/me"))[0] == 401
        assert await actions(here) == ["account.sign_in_ended", "account.signed_in", "account.signed_in"]


async def test_tokens_are_listed_and_revoked_by_their_own_account_only(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        owner, stranger = await kit.owner(), await kit.owner(email="other@shop.test")
        secret = await kit.owners.add_token(EMAIL, "nightly", ["shop"], 3_600)
        listed = (await owner.get("/tokens"))["tokens"]
        found = next(token for token in listed if token["name"] == "nightly")
        assert (found["sites"], found["lastUsed"]) == (["shop"], None)
        assert found["expiresAt"] == found["createdAt"] + 3_600_000
        assert secret not in str(listed)
        assert (await stranger.call("DELETE", f"/tokens/{found['id']}"))[0] == 404
        assert (await owner.call("DELETE", f"/tokens/{found['id']}"))[0] == 200
        caller = Caller(kit.base, await kit.http(), {"Authorization": f"Bearer {secret}"})
        assert (await caller.call("GET", "/me"))[0] == 401
        assert await actions(owner) == ["account.token_revoked"]


async def test_a_narrow_token_manages_nothing_but_itself(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        await kit.owner()
        secret = await kit.owners.add_token(EMAIL, "narrow", ["shop"])
        narrow = Caller(kit.base, await kit.http(), {"Authorization": f"Bearer {secret}"})
        assert [site["id"] for site in (await narrow.get("/sites"))["sites"]] == ["shop"]
        for path in ("/logins", "/accounts"):
            assert (await narrow.call("GET", path))[0] == 403
        body = {"currentPassword": PASSWORD, "newPassword": NEW}
        assert (await narrow.call("POST", "/password", body))[0] == 403
        (itself,) = (await narrow.get("/tokens"))["tokens"]
        assert itself["name"] == "narrow"
        assert (await narrow.call("DELETE", f"/tokens/{itself['id']}"))[0] == 200
        assert (await narrow.call("GET", "/me"))[0] == 401


async def test_accounts_are_removed_by_who_sees_every_site_and_by_themselves(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        chief, member = await kit.owner(), await kit.owner("shop", email="member@shop.test")
        both = (await chief.get("/accounts"))["accounts"]
        ids = {account["email"]: account["id"] for account in both}
        assert [account["email"] for account in (await member.get("/accounts"))["accounts"]] == ["member@shop.test"]
        assert (await member.call("DELETE", f"/accounts/{ids[EMAIL]}"))[0] == 404
        admins = [account for account in both if account["sites"] == ["*"]]
        assert len(admins) >= 1
        assert (await chief.call("DELETE", f"/accounts/{ids['member@shop.test']}"))[0] == 200
        assert (await member.call("GET", "/me"))[0] == 401
        for account in admins:
            if account["email"] != EMAIL:
                assert (await chief.call("DELETE", f"/accounts/{account['id']}"))[0] == 200
        assert (await chief.call("DELETE", f"/accounts/{ids[EMAIL]}"))[0] == 409
        assert "account.removed" in await actions(chief)


async def test_an_owner_whom_everybody_guesses_at_still_signs_in(tmp_path: Path) -> None:
    async with owning(tmp_path, server=BEHIND_PROXY) as kit:
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        statuses = [await login(kit, "x", f"10.0.0.{number}") for number in range(25)]
        assert set(statuses) == {401}
        assert await login(kit) == 200


async def test_an_address_that_guesses_is_told_to_wait_and_spares_the_browsers_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The machine may take longer than the wait.
    monkeypatch.setattr(throttle, "EARNED_EVERY", 1e6)
    monkeypatch.setattr(throttle, "FIRST_WAIT", 1e4)
    monkeypatch.setattr(throttle, "LONGEST_WAIT", 1e4)
    async with owning(tmp_path, server=BEHIND_PROXY) as kit:
        browser, _ = await signed_in(kit)
        statuses = await asyncio.gather(*(login(kit, "x", f"2001:db8::{number}") for number in range(40)))
        assert set(statuses) == {401, 429}
        assert statuses.count(401) <= 10
        caller = await kit.anonymous()
        url, body = f"{kit.base}/api/admin/login", {"email": EMAIL, "password": PASSWORD}
        forwarded = {"X-Forwarded-For": "2001:db8::ffff"}
        async with caller.http.post(url, json=body, headers=forwarded) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) >= 1) == (429, True)
        async with browser.http.post(url, json=body, headers=forwarded) as answer:
            assert answer.status == 200


async def test_no_more_than_so_many_sign_ins_wait_for_their_hash(tmp_path: Path) -> None:
    async with owning(tmp_path, server=BEHIND_PROXY) as kit:
        crowd = (login(kit, "x", f"10.0.{number}.1", f"{number}@b.test") for number in range(60))
        statuses = await asyncio.gather(*crowd)
        assert set(statuses) == {401, 429}
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        assert await login(kit) == 200


async def test_reading_and_erasing_are_written_down_without_the_session_id(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        mine, theirs = [await converse(visitor, "hello") for _ in range(2)]
        names = await kit.named(mine, theirs)
        for _ in range(3):
            assert (await owner.get(f"/sites/shop/sessions/{names[0]}"))["conversationId"] == names[0]
        await owner.get(f"/sites/shop/sessions/{theirs}")
        assert (await visitor.call("DELETE", f"/api/session/{mine}"))[0] == 200
        assert (await owner.call("DELETE", f"/sites/shop/sessions/{names[1]}"))[0] == 200
        old = AuditEntry("old", "session.deleted", {"sessionId": mine, "messages": 2})
        await kit.storage.settings.audit("shop", old)
        trail = (await owner.get("/sites/shop/audit"))["entries"]
        said = [(entry["actor"], entry["action"], entry["details"]["conversationId"]) for entry in trail]
        assert said == [
            ("old", "session.deleted", names[0]),
            (EMAIL, "session.deleted", names[1]),
            ("visitor", "session.deleted", names[0]),
            (EMAIL, "session.read", names[1]),
            (EMAIL, "session.read", names[0]),
        ]
        assert mine not in str(trail)


async def test_no_answer_of_the_owners_api_names_a_session(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        first = await converse(visitor, "one", visitorId="v-1")
        made = [first, *[await converse(visitor, "two", continues=first) for _ in range(2)]]
        answers: list[Any] = []
        for path in (
            "sessions?limit=1",
            "sessions?q=two&limit=1&state=live",
            "analytics",
            "audit",
            "privacy",
            "settings",
        ):
            answers.append(await owner.get(f"/sites/shop/{path}"))
        answers += [await owner.get(f"/sites/shop/sessions/{session_id}") for session_id in made]
        for kind in ("csv", "jsonl"):
            url = f"{kit.base}/api/admin/sites/shop/export?format={kind}"
            async with owner.http.get(url, headers=owner.headers) as answer:
                answers.append(await answer.text())
        answers.append((await owner.call("POST", "/sites/shop/sessions/delete", {"ids": made}))[1])
        answers.append((await owner.call("GET", f"/sites/shop/sessions/{first}"))[1])
        answers.append(await owner.get("/sites/shop/audit"))
        for session_id in made:
            assert session_id not in str(answers)
