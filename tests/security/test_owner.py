"""Hostile calls of the owner's API, of the crawler, and of what a server gives away."""

import socket
from typing import Any
from uuid import uuid4

import pytest

from tests.security.target import PROXY, Target
from tests.security.wire import Reply, request
from tests.services.redis import wait_for

PRIVACY = "/sites/shop/privacy"


def sign_in(t: Target, *headers: str, address: str | None = None) -> Reply:
    email, password = t.account()
    login = {"email": email, "password": password}
    reply = t.call("POST", "/api/admin/login", login, *headers, origin=None, address=address)
    assert reply.status == 200, reply.body
    return reply


def cookies(reply: Reply) -> list[str]:
    return [value for name, value in reply.headers if name.lower() == "set-cookie"]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/", "http://[::1]/", "http://2130706433/",
        "http://0x7f.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://user:secret@127.0.0.1/", "http://evil.test/",
        "gopher://127.0.0.1/", "http://127.0.0.1:99999/", "//127.0.0.1/", "", "http://", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_crawl_of_what_is_not_the_site_is_refused(attacked: Target, url: str) -> None:
    """33"""
    reply = attacked.owner("POST", "/sites/shop/crawl", {"url": url})
    assert (reply.status, reply.code) == (422, "blocked_url")


def test_a_crawl_never_connects_to_a_private_address(attacked: Target) -> None:
    """33: the host is the site's own, and is loopback."""
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.setblocking(False)
        url = f"http://127.0.0.1:{inner.getsockname()[1]}/"
        assert attacked.owner("POST", "/sites/shop/crawl", {"url": url}).status == 202
        wait_for(lambda: attacked.owner("GET", "/sites/shop/crawl").json()["state"] == "failed", "the crawl has failed")
        with pytest.raises(BlockingIOError):
            inner.accept()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/sites/other/privacy", None),
        ("PUT", "/sites/other/privacy", {}),
        ("GET", "/sites/other/sessions", None),
        ("GET", "/sites/other/sessions/{}", None),
        ("DELETE", "/sites/other/sessions/{}", None),
        ("GET", "/sites/other/export?format=jsonl", None),
        ("GET", "/sites/other/analytics?from=0&to=1", None),
        ("GET", "/sites/other/audit", None),
        ("POST", "/sites/other/crawl", {"url": "http://other.test/"}),
        ("GET", "/sites/shop/sessions/{}", None),
        ("DELETE", "/sites/shop/sessions/{}", None),
        ("GET", "/sites/..%2fother/privacy", None),
    ],
)
def test_another_owners_site_is_not_there(attacked: Target, method: str, path: str, body: Any) -> None:
    """36: the same answer as for a site that is not."""
    foreign = attacked.session(origin="http://other.test")
    reply = attacked.owner(method, path.format(foreign), body)
    assert (reply.status, reply.code) in ((404, "not_found"), (404, "session_not_found"))
    assert attacked.call("GET", f"/api/session/{foreign}", origin="http://other.test").status == 200


@pytest.mark.parametrize(
    "path", ["/me", "/sites", PRIVACY, "/sites/shop/sessions", "/sites/shop/export?format=csv", "/tokens"]
)
@pytest.mark.parametrize(
    "header", ["", "Authorization: Bearer x", "Authorization: Basic eDp4", "Cookie: leflux=x; __Host-leflux=y"]
)
def test_nobody_is_let_in_without_a_sign_in(attacked: Target, path: str, header: str) -> None:
    """36"""
    headers = [header] if header else []
    reply = attacked.ask(request("GET", f"/api/admin{path}", *headers, origin=None))
    assert (reply.status, reply.code) == (401, "unauthorized")
    assert reply.header("Access-Control-Allow-Origin") is None


def test_a_post_from_another_sites_page_is_refused(attacked: Target) -> None:
    """37: without the token of the sign-in, or from a page of another site."""
    reply = sign_in(attacked)
    cookie = "Cookie: " + cookies(reply)[0].partition(";")[0]
    token = f"X-CSRF-Token: {reply.json()['csrfToken']}"
    before = attacked.owner("GET", PRIVACY).json()
    for headers in (
        [cookie],
        [cookie, "X-CSRF-Token: x"],
        [cookie, token, "Sec-Fetch-Site: cross-site"],
        [cookie, token, "Sec-Fetch-Site: same-site"],
    ):
        refused = attacked.call("PUT", f"/api/admin{PRIVACY}", before, *headers, origin="http://shop.test")
        assert (refused.status, refused.code) == (403, "forbidden")
        assert refused.header("Access-Control-Allow-Origin") is None
    assert attacked.owner("GET", PRIVACY).json() == before
    assert attacked.call("PUT", f"/api/admin{PRIVACY}", before, cookie, token, origin=None).status == 200


def test_cookies_are_bound_and_made_anew(attacked: Target) -> None:
    """37"""
    plain = sign_in(attacked)
    bound = sign_in(attacked, "X-Forwarded-Proto: https", address=PROXY)
    forged = sign_in(attacked, "X-Forwarded-Proto: https")
    assert [cookies(reply)[0].split("=")[0] for reply in (plain, bound, forged)] == [
        "leflux",
        "__Host-leflux",
        "leflux",
    ]
    for reply in (plain, bound):
        for cookie in cookies(reply):
            assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert all("Secure" in cookie.split("; ") for cookie in cookies(bound))
    assert bound.header("Strict-Transport-Security") == "max-age=31536000"
    assert forged.header("Strict-Transport-Security") is None
    assert len({cookies(reply)[0] for reply in (plain, bound, forged)}) == 3


@pytest.mark.parametrize("text", ["-1", "1e309", "NaN", "1.5", '"7"', "true", "99999999999999999999"])
def test_a_bad_retention_is_refused_by_name(attacked: Target, text: str) -> None:
    """41"""
    before = attacked.owner("GET", PRIVACY).json()
    body = b'{"clientTtlMs": 1, "logRetentionDays": %s}' % text.encode()
    for method, path in (("POST", f"{PRIVACY}/preview"), ("PUT", PRIVACY)):
        reply = attacked.owner(method, path, body)
        assert (reply.status, reply.code) == (400, "invalid_request")
        assert method == "PUT" or reply.json()["details"]["path"] == "$.logRetentionDays"
    assert attacked.owner("GET", PRIVACY).json() == before


@pytest.mark.parametrize(
    "path",
    [
        "/health", "/ready", "/metrics", "/api/stats", "/embed.js", "/leflux-agent.js", "/leflux-socket.js",
        "/leflux.d.ts", "/openapi.yaml", "/demo/", "/demo", "/", "/demo/assets/shop.css", "/demo/studio/x",
        "/demo/forms/contact",
        "/dashboard", "/dashboard/", "/dashboard/preview.html", "/dashboard/assets/x",
        "/api/session/init", "/api/session/x", "/api/session/x/messages", "/api/chat",
        "/socket.io/?EIO=4&transport=polling",
        "/api/admin/login", "/api/admin/sites", f"/api/admin{PRIVACY}", "/api/admin/sites/shop/export",
    ],
)  # fmt: skip
def test_a_method_that_is_not_there_is_405_with_what_is(attacked: Target, path: str) -> None:
    token = f"Authorization: Bearer {attacked.token}"
    for method in ("PATCH", "TRACE"):
        reply = attacked.ask(request(method, path, token))
        assert reply.status == 405, (method, reply)
        allowed = (reply.header("Allow") or "").split(", ")
        assert set(allowed) & {"GET", "POST", "DELETE", "PUT"}, (method, allowed)
        assert method not in allowed


def test_a_form_of_the_demo_is_capped_and_its_log_is_the_owners(attacked: Target) -> None:
    form = "&".join(f"{'n' * 2_000}{number}={'x' * 2_000}" for number in range(15)).encode()
    before = attacked.memory()
    kind = "Content-Type: application/x-www-form-urlencoded"
    for _ in range(60):
        assert attacked.ask(request("POST", "/demo/forms/contact", kind, body=form)).status == 303
    assert attacked.memory() - before < 20_000_000
    assert attacked.call("GET", "/demo/forms/log", origin=None).status == 401
    # An owner of one site is not the owner of the server.
    assert attacked.ask(request("GET", "/demo/forms/log", f"Authorization: Bearer {attacked.token}")).status == 403


def test_a_spreadsheet_gets_no_formula(attacked: Target) -> None:
    session_id = attacked.session()
    for text in ("=1+1", "a;=1+1", "＝1+1", "\t=1+1"):
        assert attacked.say(session_id, text).status == 200
    said = attacked.owner("GET", "/sites/shop/export?format=csv").body.decode()
    assert not [
        cell
        for line in said.splitlines()
        for cell in line.replace(";", ",").split(",")
        if cell.lstrip('" \t')[:1] in ("=", "＝")
    ]


def test_no_answer_to_an_owner_holds_a_session_id(attacked: Target) -> None:
    session_id = attacked.session(visitorId=str(uuid4()))
    attacked.say(session_id, "Hello")
    for path in (
        "/sites/shop/sessions",
        f"/sites/shop/sessions/{session_id}",
        "/sites/shop/export?format=jsonl",
        "/sites/shop/audit",
    ):
        reply = attacked.owner("GET", path)
        assert reply.status == 200
        assert session_id.encode() not in reply.body
