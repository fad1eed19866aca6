"""The owner's calls, one by one, on a whole server."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.server.conftest import until
from tests.server.owner_kit import OwnerKit, converse, owning

SHOP = "/sites/shop"
PLAYBOOK = Path("config/playbook.yaml")


async def test_the_sites_an_owner_may_see_are_listed_with_their_numbers(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        await converse(await kit.visitor(), "hello")
        everything = await (await kit.owner()).get("/sites")
        assert [site["id"] for site in everything["sites"]] == ["shop", "other"]
        shop = everything["sites"][0]
        assert (shop["sessions24h"], shop["allowedHosts"]) == (1, ["shop.test"])
        assert shop["snippet"] == '<script src="http://localhost:8080/embed.js" async></script>'
        limited = await (await kit.owner("other", email="b@b.test")).get("/sites")
        assert [site["id"] for site in limited["sites"]] == ["other"]


async def test_a_listing_names_live_and_ended_sessions(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend, session={"idle_ttl": "1s"}) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        ended = await converse(visitor, "I was here", visitorId="v-1")
        await until_gone(kit, ended)
        live = await converse(visitor, "I am here")
        found = {row["conversationId"]: row for row in (await owner.get(f"{SHOP}/sessions"))["sessions"]}
        names = await kit.named(ended, live)
        assert found.keys() == set(names)
        row = found[names[0]]
        assert (row["live"], row["firstText"], row["visitorId"]) == (False, "I was here", "v-1")
        assert row in (await owner.get(f"{SHOP}/sessions?state=ended"))["sessions"]


async def until_gone(kit: OwnerKit, session_id: str) -> None:
    visitor = await kit.visitor()

    async def is_gone() -> bool:
        return (await visitor.call("GET", f"/api/session/{session_id}"))[0] == 404

    await until(is_gone, "the session was evicted")


async def test_a_listing_is_paged_and_searched(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        made = [await converse(visitor, f"question number {number}") for number in range(5)]
        seen: list[str] = []
        cursor = ""
        while True:
            page = await owner.get(f"{SHOP}/sessions?limit=2&cursor={cursor}")
            seen += [row["conversationId"] for row in page["sessions"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        names = await kit.named(*made)
        assert sorted(seen) == sorted(names)
        found = await owner.get(f"{SHOP}/sessions?q=number 3&state=live")
        assert [row["conversationId"] for row in found["sessions"]] == [names[3]]
        assert (await owner.call("GET", f"{SHOP}/sessions?cursor=nonsense"))[0] == 400


async def test_a_transcript_shows_what_was_said_and_where(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        first = await converse(visitor, "<img src=x onerror=alert(1)>")
        body = {"sessionId": first, "clientMessageId": str(uuid4()), "message": "again", "context": {"title": "Lamps"}}
        assert (await visitor.call("POST", "/api/chat", body))[0] == 200
        second = await converse(visitor, "hello again", continues=first)
        names = await kit.named(first, second)
        shown = await owner.get(f"{SHOP}/sessions/{first}?limit=2")
        assert shown["messages"][0]["text"] == "<img src=x onerror=alert(1)>"
        assert (shown["context"], shown["more"], shown["live"]) == ({"title": "Lamps"}, True, True)
        assert (shown["continues"], shown["continuedBy"]) == (None, names[1])
        rest = await owner.get(f"{SHOP}/sessions/{first}?since=2")
        assert rest["messages"][0]["text"] == "again"
        assert (await owner.get(f"{SHOP}/sessions/{second}"))["continues"] == names[0]


async def test_deleting_is_for_good_and_gives_a_receipt(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "forget me")
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        status, answer = await owner.call("DELETE", f"{SHOP}/sessions/{session_id}")
        assert (status, answer["deleted"]) == (200, {"sessions": 1, "messages": 2, "logged": 2, "tasks": 0})
        assert [answer["receipt"]["conversationId"]] == await kit.named(session_id)
        assert answer["receipt"]["counts"] == answer["deleted"]
        await socket.wait("session_deleted")
        assert (await visitor.call("GET", f"/api/session/{session_id}"))[0] == 410
        assert (await owner.call("GET", f"{SHOP}/sessions/{session_id}"))[0] == 410
        assert (await owner.call("DELETE", f"{SHOP}/sessions/{session_id}"))[0] == 404
        trail = (await owner.get(f"{SHOP}/audit"))["entries"]
        assert [entry["action"] for entry in trail] == ["session.deleted"]
        assert "forget me" not in str(trail)


async def test_a_session_that_lives_only_in_the_log_can_be_deleted(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend, session={"idle_ttl": "1s"}) as kit:
        session_id = await converse(await kit.visitor(), "an old story")
        await until_gone(kit, session_id)
        owner = await kit.owner()
        status, answer = await owner.call("DELETE", f"{SHOP}/sessions/{session_id}")
        assert (status, answer["deleted"]) == (200, {"sessions": 0, "messages": 0, "logged": 2, "tasks": 0})
        assert (await owner.get(f"{SHOP}/sessions"))["sessions"] == []


async def test_many_are_deleted_at_once(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        made = [await converse(visitor, "one of many") for _ in range(3)]
        unknown = str(uuid4())
        status, answer = await owner.call("POST", f"{SHOP}/sessions/delete", {"ids": [*made, unknown]})
        assert (status, answer["deleted"]["sessions"], answer["missing"]) == (200, 3, await kit.named(unknown))
        assert [receipt["conversationId"] for receipt in answer["receipts"]] == await kit.named(*made)
        assert (await owner.call("POST", f"{SHOP}/sessions/delete", {"ids": ["x"]}))[0] == 400
        assert (await owner.call("POST", f"{SHOP}/sessions/delete", {"ids": [unknown] * 101}))[0] == 400


async def test_the_numbers_of_a_day_come_from_the_log_and_the_counters(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await converse(visitor, "What is shipping?", "and returns?", visitorId="v-1")
        await converse(visitor, "what is shipping", visitorId="v-2", continues=session_id)
        assert (await visitor.call("POST", f"/api/session/{session_id}"))[0] == 200
        numbers = await owner.get(f"{SHOP}/analytics")
        today = numbers["days"][-1]
        assert (today["sessions"], today["messages"], today["visitors"]) == (2, 6, 2)
        assert today["restores"] == {"full": 1, "partial": 1, "new": 1}
        assert today["tasks"] == {"done": 0, "resumed": 0, "aborted": 0}
        assert sum(numbers["hours"]) == 3
        assert numbers["topQuestions"][0]["count"] == 2
        assert all(isinstance(numbers["restoreMs"][name], float) for name in ("p50", "p95", "p99"))
        assert (await owner.call("GET", f"{SHOP}/analytics?from=9&to=3"))[0] == 400


async def test_the_appearance_is_saved_and_seen_by_the_next_visitor(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        before = await owner.get(f"{SHOP}/settings")
        assert (before["config"], before["version"]) == ({"greeting": "Hello"}, 0)
        wanted = {"config": {"title": "Lamps", "primaryColor": "#ff0000"}, "version": 0}
        status, after = await owner.call("PUT", f"{SHOP}/settings", wanted)
        assert (status, after["config"], after["version"]) == (200, wanted["config"], 1)
        init = {"websiteUrl": "http://shop.test/"}
        assert (await visitor.call("POST", "/api/session/init", init))[1]["siteConfig"] == wanted["config"]
        assert (await owner.call("PUT", f"{SHOP}/settings", wanted))[0] == 409


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"primaryColor": "red;}"}, "$.config.primaryColor"),
        ({"theme": "pink"}, "$.config.theme"),
        ({"chips": ["x"] * 9}, "$.config.chips"),
        ({"unheard": 1}, "$.config"),
    ],
)
async def test_an_appearance_that_the_widget_cannot_show_is_refused(
    tmp_path: Path, config: dict[str, Any], path: str
) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        status, answer = await owner.call("PUT", f"{SHOP}/settings", {"config": config, "version": 0})
        assert (status, answer["error"], answer["details"]["path"]) == (400, "invalid_request", path)


async def test_the_playbook_is_shown_as_it_was_written(tmp_path: Path) -> None:
    async with owning(tmp_path, agent={"kind": "playbook", "playbook": {"path": str(PLAYBOOK)}}) as kit:
        answer = await (await kit.owner()).get(f"{SHOP}/playbook")
        assert answer["text"] == PLAYBOOK.read_text()  # noqa: ASYNC240 - a small file
        assert answer["tasks"][0]["steps"][0]["action"]


async def test_a_crawl_is_told_of_and_kept_to_the_site(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        assert (await owner.get(f"{SHOP}/crawl"))["state"] == "idle"
        status, answer = await owner.call("POST", f"{SHOP}/crawl", {"url": "http://169.254.169.254/"})
        assert (status, answer["error"]) == (422, "blocked_url")
        status, answer = await owner.call("POST", f"{SHOP}/crawl", {"url": "http://shop.test/"})
        assert (status, answer["state"]) == (202, "running")


async def test_nothing_is_there_without_a_dashboard(tmp_path: Path) -> None:
    async with owning(tmp_path, dashboard={"enabled": False}) as kit:
        owner = await kit.owner()
        assert (await owner.call("GET", "/sites"))[0] == 404
        assert (await owner.call("POST", "/login", {"email": "a@b.test", "password": "x"}))[0] == 404
