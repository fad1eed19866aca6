"""The first install explains itself: "Check my site", and the hosts that are turned away."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.hostile_site import HostileSite, hostile_site, redirect, response
from tests.server.owner_kit import Caller, OwnerKit, owning

SNIPPET = '<script src="{base}/embed.js" async></script>'
INIT = {"websiteUrl": "http://shop.test/"}


@pytest.fixture
async def web() -> AsyncIterator[HostileSite]:
    async with hostile_site() as site:
        yield site


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncIterator[OwnerKit]:
    sites = [
        {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test", "127.0.0.1"]},
        {"id": "other", "name": "Other", "allowed_hosts": ["localhost"]},
    ]
    crawler = {"private_hosts": ["127.0.0.1", "localhost"]}
    async with owning(tmp_path, sites=sites, crawler=crawler, server={"public_url": "http://chat.test"}) as kit:
        yield kit


async def checked(owner: Caller, url: str) -> dict[str, Any]:
    status, answer = await owner.call("POST", "/sites/shop/check", {"url": url})
    assert status == 200, answer
    return {check["name"]: check for check in answer["checks"]}


async def test_a_page_with_everything_in_place(kit: OwnerKit, web: HostileSite) -> None:
    web.page("/", "Lamps", head=SNIPPET.format(base="http://chat.test"))
    found = await checked(await kit.owner(), f"{web.base}/")
    assert {name: check["state"] for name, check in found.items()} == {
        "page": "good",
        "certificate": "warning",
        "snippet": "good",
        "host": "good",
        "policy": "good",
    }


async def test_each_thing_that_is_missing_is_told_with_the_line_to_add(kit: OwnerKit, web: HostileSite) -> None:
    owner = await kit.owner()
    web.page("/none", "Lamps")
    found = await checked(owner, f"{web.base}/none")
    assert found["snippet"]["state"] == "bad"
    assert found["snippet"]["fix"] == SNIPPET.format(base="http://chat.test")
    web.page("/wrong", "Lamps", head=SNIPPET.format(base="http://elsewhere.test"))
    assert "http://elsewhere.test/embed.js" in (await checked(owner, f"{web.base}/wrong"))["snippet"]["text"]
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    web.page("/policy", "Lamps", head=policy + SNIPPET.format(base="http://chat.test"))
    found = await checked(owner, f"{web.base}/policy")
    assert found["policy"]["state"] == "bad"
    assert found["policy"]["fix"] == "script-src http://chat.test; connect-src http://chat.test ws://chat.test"
    found = await checked(owner, f"http://localhost:{web.port}/none")
    assert (found["host"]["state"], "another site" in found["host"]["text"]) == ("bad", True)


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 1_000, b"<" * 100_000, b"<script src='http://[x'></script>"])
async def test_what_is_no_page_is_told_and_breaks_nothing(kit: OwnerKit, web: HostileSite, body: bytes) -> None:
    web.pages["/"] = response(body)
    assert (await checked(await kit.owner(), f"{web.base}/"))["snippet"]["state"] == "bad"


async def test_a_page_that_cannot_be_read_is_told(kit: OwnerKit, web: HostileSite) -> None:
    owner = await kit.owner()
    assert (await checked(owner, f"{web.base}/missing"))["page"]["state"] == "bad"
    assert (await checked(owner, "http://127.0.0.1:1/"))["page"]["state"] == "bad"
    web.pages["/away"] = redirect("http://10.0.0.1/")
    assert (await checked(owner, f"{web.base}/away"))["page"]["state"] == "bad"
    for private in ("http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/"):
        assert (await checked(owner, private))["page"]["state"] == "bad"
    for bad in ("file:///etc/passwd", "javascript:alert(1)", "no address", "http://"):
        status, answer = await owner.call("POST", "/sites/shop/check", {"url": bad})
        assert (status, answer["error"]) == (422, "blocked_url"), bad


async def test_only_an_owner_of_the_site_may_ask(kit: OwnerKit) -> None:
    other = await kit.owner("other", email="other@shop.test")
    assert (await other.call("POST", "/sites/shop/check", {"url": "http://shop.test/"}))[0] == 404
    assert (await other.call("GET", "/sites/shop/turned-away"))[0] == 404
    assert (await (await kit.anonymous()).call("GET", "/sites/shop/turned-away"))[0] == 401


async def test_hosts_that_are_turned_away_are_counted_by_visitor(kit: OwnerKit) -> None:
    visitor, owner = await kit.visitor(), await kit.owner()
    for origin in ("http://www.example.org", "http://www.example.org", "https://example.net", "null", "nonsense"):
        status, answer = await visitor.call("POST", "/api/session/init", INIT, headers={"Origin": origin})
        assert (status, answer["error"]) == (403, "host_not_registered")
    await visitor.call("POST", "/api/session/init", INIT)
    found = (await owner.get("/sites/shop/turned-away"))["hosts"]
    assert {entry["host"]: entry["visitors"] for entry in found} == {"www.example.org": 1, "example.net": 1}


async def test_an_owner_of_one_site_sees_hosts_beside_it_only(kit: OwnerKit) -> None:
    visitor, owner = await kit.visitor(), await kit.owner("shop")
    for origin in ("http://www2.eu-shop.test", "http://example.org"):
        await visitor.call("POST", "/api/session/init", INIT, headers={"Origin": origin})
    assert (await owner.get("/sites/shop/turned-away"))["hosts"] == []


async def test_the_hosts_of_an_attacker_are_bounded(kit: OwnerKit) -> None:
    visitor, owner = await kit.visitor(), await kit.owner()
    for number in range(250):
        origin = {"Origin": f"http://host{number}.test"}
        await visitor.call("POST", "/api/session/init", INIT, headers=origin)
    assert len((await owner.get("/sites/shop/turned-away"))["hosts"]) == 100


async def test_a_page_that_is_turned_away_may_read_that_and_nothing_else(kit: OwnerKit) -> None:
    visitor = await kit.visitor()
    headers = {"Origin": "http://example.org", "Content-Type": "application/json"}
    async with visitor.http.post(f"{visitor.base}/api/session/init", data=b"{}", headers=headers) as answer:
        assert answer.status == 403
        assert answer.headers["Access-Control-Allow-Origin"] == "http://example.org"
    async with visitor.http.get(f"{visitor.base}/api/session/x", headers=headers) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
