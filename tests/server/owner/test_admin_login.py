"""Who gets in: sign-ins, API tokens, CSRF, and the sites of other owners."""

from http.cookies import Morsel
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.server.conftest import until
from tests.server.owner_kit import EMAIL, PASSWORD, Caller, OwnerKit, converse, owning

DESCRIPTION = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"


def operations() -> list[tuple[str, str]]:
    """Every method and path of the owner's API, below `/api/admin`."""
    paths = yaml.safe_load(DESCRIPTION.read_text("utf-8"))["paths"]
    return [
        (method.upper(), path.removeprefix("/api/admin"))
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/admin/") and method != "parameters"
    ]


async def signed_in(kit: OwnerKit, *sites: str) -> tuple[Caller, dict[str, Any]]:
    """A browser that has signed in, and what it was answered."""
    await kit.owners.set_account(EMAIL, sites or ["*"], PASSWORD)
    browser = await kit.anonymous()
    status, answer = await browser.call("POST", "/login", {"email": EMAIL, "password": PASSWORD})
    assert status == 200, answer
    return browser, answer


def cookie(browser: Caller) -> Morsel[str]:
    """The sign-in's; the device's stands beside it."""
    (morsel,) = [morsel for morsel in browser.http.cookie_jar if not morsel.key.endswith("-device")]
    return morsel


async def test_the_first_start_makes_one_account_and_tells_its_password_once(tmp_path: Path) -> None:
    async with owning(tmp_path, "sqlite", dashboard={"admin_email": "me@shop.test"}) as kit:
        await until(lambda: bool(kit.told), "an account was made")
        email, password = kit.told[0]
        browser = await kit.anonymous()
        status, answer = await browser.call("POST", "/login", {"email": email, "password": password})
        assert (status, answer["email"], answer["sites"]) == (200, "me@shop.test", ["*"])
        assert await kit.owners.first_admin("me@shop.test") is None
    database = (tmp_path / "leflux.db").read_bytes()
    assert password.encode() not in database


async def test_a_second_start_makes_no_second_account(tmp_path: Path) -> None:
    for count in (1, 0):
        async with owning(tmp_path, "sqlite") as kit:
            if count:
                await until(lambda kit=kit: bool(kit.told), "an account was made")  # type: ignore[misc]
            else:
                await signed_in(kit)
            assert len(kit.told) == count


async def test_a_browser_signs_in_works_and_signs_out(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        browser, answer = await signed_in(kit)
        morsel = cookie(browser)
        assert (morsel.key, morsel["path"], morsel["httponly"], morsel["samesite"]) == ("leflux", "/", True, "Strict")
        assert morsel["secure"] == "" or morsel["secure"] is False
        me = await browser.get("/me")
        assert me == answer
        privacy = await browser.get("/sites/shop/privacy")
        token = answer["csrfToken"]
        assert (await browser.call("PUT", "/sites/shop/privacy", privacy, X_CSRF_Token=token))[0] == 200
        assert (await browser.call("POST", "/logout", X_CSRF_Token=token))[0] == 200
        assert (await browser.call("GET", "/me"))[0] == 401


async def test_the_cookie_of_an_ended_sign_in_opens_nothing(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        browser, answer = await signed_in(kit)
        stolen = {"Cookie": f"leflux={cookie(browser).value}"}
        await browser.call("POST", "/logout", X_CSRF_Token=answer["csrfToken"])
        assert (await Caller(kit.base, await kit.http(), stolen).call("GET", "/me"))[0] == 401


async def test_signing_in_again_gives_a_new_cookie_and_ends_the_old_one(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        browser, _ = await signed_in(kit)
        old = cookie(browser).value
        await browser.call("POST", "/login", {"email": EMAIL, "password": PASSWORD})
        assert cookie(browser).value != old
        again = Caller(kit.base, await kit.http(), {"Cookie": f"leflux={old}"})
        assert (await again.call("GET", "/me"))[0] == 401


@pytest.mark.parametrize(
    "server",
    [
        {"public_url": "https://chat.shop.test"},
        {"trusted_proxies": ["127.0.0.0/8"], "public_url": "http://localhost"},
    ],
)
async def test_over_tls_the_cookie_is_bound_to_this_host(tmp_path: Path, server: dict[str, Any]) -> None:
    server |= {"host": "127.0.0.1", "port": 0}
    async with owning(tmp_path, server=server) as kit:
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        body = {"email": EMAIL, "password": PASSWORD}
        url, headers = f"{kit.base}/api/admin/login", {"X-Forwarded-Proto": "https"}
        async with (await kit.http()).post(url, json=body, headers=headers) as answer:
            sent = answer.headers.getall("Set-Cookie")[0]
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert sent.startswith("__Host-leflux=")
        for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            assert attribute in sent
        secret = sent.partition("=")[2].partition(";")[0]
        plain = {"Cookie": f"leflux={secret}", **headers}
        assert (await Caller(kit.base, await kit.http(), plain).call("GET", "/me"))[0] == 401
        bound = {"Cookie": f"__Host-leflux={secret}", **headers}
        assert (await Caller(kit.base, await kit.http(), bound).call("GET", "/me"))[0] == 200


async def test_a_forged_proto_of_a_stranger_is_not_believed(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        browser = await kit.anonymous()
        body = {"email": EMAIL, "password": PASSWORD}
        assert (await browser.call("POST", "/login", body, X_Forwarded_Proto="https"))[0] == 200
        assert cookie(browser).key == "leflux"


async def test_an_unknown_email_and_a_wrong_password_get_one_answer(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        caller = await kit.anonymous()
        wrong = await caller.call("POST", "/login", {"email": EMAIL, "password": "not the password"})
        unknown = await caller.call("POST", "/login", {"email": "nobody@shop.test", "password": "x" * 20})
        assert wrong == unknown
        assert (wrong[0], wrong[1]["error"]) == (401, "unauthorized")


@pytest.mark.parametrize("token", [None, "", "not the token"])
async def test_a_call_that_changes_something_needs_the_csrf_token(tmp_path: Path, token: str | None) -> None:
    async with owning(tmp_path) as kit:
        browser, _ = await signed_in(kit)
        session_id = await converse(await kit.visitor(), "stay")
        headers = {} if token is None else {"X_CSRF_Token": token}
        status, answer = await browser.call("DELETE", f"/sites/shop/sessions/{session_id}", **headers)
        assert (status, answer["error"]) == (403, "forbidden")
        assert (await browser.get(f"/sites/shop/sessions/{session_id}"))["live"]


async def test_a_post_from_another_sites_page_is_refused_and_told_nothing(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        await kit.owners.set_account(EMAIL, ["*"], PASSWORD)
        url, body = f"{kit.base}/api/admin/login", {"email": EMAIL, "password": PASSWORD}
        headers = {"Origin": "http://shop.test", "Sec-Fetch-Site": "cross-site"}
        async with (await kit.http()).post(url, json=body, headers=headers) as answer:
            assert answer.status == 403
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        async with (await kit.http()).options(url, headers=headers) as answer:
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(("method", "path"), [call for call in operations() if call[1] != "/login"])
async def test_nobody_gets_in_without_a_sign_in(tmp_path: Path, method: str, path: str) -> None:
    async with owning(tmp_path) as kit:
        path = path.format(siteId="shop", conversationId=uuid4(), credentialId="0" * 16, deliveryId="x")
        caller = await kit.anonymous()
        status, answer = await caller.call(method, path, {} if method in {"POST", "PUT"} else None)
        assert (status, answer["error"]) == (401, "unauthorized")


# What no owner of another site may reach.
OF_A_SITE = [(method, path) for method, path in operations() if "{siteId}" in path]


@pytest.mark.parametrize(("method", "path"), OF_A_SITE)
async def test_another_owners_site_is_not_there(tmp_path: Path, method: str, path: str) -> None:
    async with owning(tmp_path) as kit:
        session_id = await converse(await kit.visitor(), "a secret")
        mine = await kit.owner("other")
        body = {"ids": [session_id], "url": "http://shop.test/", "logRetentionDays": 1, "version": 0, "config": {}}
        sent = body if method in {"POST", "PUT"} else None
        theirs = await mine.call(method, path.format(siteId="shop", conversationId=session_id, deliveryId="x"), sent)
        unknown = await mine.call(
            method, path.format(siteId="nowhere", conversationId=session_id, deliveryId="x"), sent
        )
        assert theirs == unknown
        assert (theirs[0], theirs[1]["error"]) == (404, "not_found")
        # By its own site's name either: the session belongs to the other one.
        if "conversationId" in path:
            (name,) = await kit.named(session_id)
            for named in (session_id, name):
                assert (await mine.call(method, path.format(siteId="other", conversationId=named)))[0] == 404
        everything = await kit.owner(email="admin@shop.test")
        assert (await everything.get(f"/sites/shop/sessions/{session_id}"))["live"]


async def test_a_token_ends_with_its_account_being_narrowed(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        assert (await owner.call("GET", "/sites/shop/privacy"))[0] == 200
        await kit.owners.set_account(EMAIL, ["other"], None)
        assert (await owner.call("GET", "/sites/shop/privacy"))[0] == 404
        assert (await owner.call("GET", "/me", Authorization="Basic eDp5"))[0] == 401
