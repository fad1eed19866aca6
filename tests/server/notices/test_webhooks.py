"""Webhooks of a site: what is told of a conversation, who is not called, and what its owner sees and repeats."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import until
from tests.server.notices.receiving import EVERY_EVENT, QUICK, WEBHOOKS, Receiver, hook, killable, receiving
from tests.server.owner_kit import Caller, OwnerKit, change, converse, owning, say
from tests.server.searching import in_files


async def deliveries(owner: Caller) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await owner.get(f"{WEBHOOKS}/deliveries"))["deliveries"]
    return found


async def told(receiver: Receiver, event: str, count: int = 1) -> list[dict[str, Any]]:
    await until(lambda: len(receiver.of(event)) >= count, f"{count} x {event}")
    return receiver.of(event)


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
async def test_the_life_of_a_conversation_is_told_without_its_secret(tmp_path: Path, backend: str) -> None:
    async with owning(tmp_path, backend, webhooks=QUICK) as kit, killable(tmp_path) as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        await receiver.learn((await hook(owner, receiver.url()))["secret"])
        session_id = await converse(visitor, "hello", visitorId="v-1")
        [cid] = await kit.named(session_id)
        await until(lambda: len(receiver.received()) == 2, "two notices")
        assert (await visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200
        await until(lambda: len(receiver.received()) == 3, "a third one")
        events = ["conversation.started", "message.received", "conversation.deleted"]
        assert [notice["type"] for notice in receiver.received()] == events
        for notice in receiver.received():
            assert notice["data"]["siteId"] == "shop"
            assert notice["data"]["conversationId"] == cid
        assert session_id not in receiver.file.read_text()


async def test_a_message_is_told_with_its_text_unless_the_log_is_off(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        await hook(owner, receiver.url)
        session_id = await converse(visitor, "a first word")
        [first] = await told(receiver, "message.received")
        assert (first["data"]["seq"], first["data"]["text"]) == (1, "a first word")
        await change(owner, messageLog=False)
        assert await say(visitor, session_id, "a second word") == 200
        second = (await told(receiver, "message.received", 2))[1]
        assert second["data"]["seq"] == 3
        assert "text" not in second["data"]


async def test_only_the_chosen_events_of_the_own_site_are_told(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver, receiving() as other:
        owner, visitor = await kit.owner(), await kit.visitor()
        await hook(owner, receiver.url, "conversation.deleted")
        await hook(owner, other.url, site="other")
        session_id = await converse(visitor, "hello")
        assert (await visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200
        await told(receiver, "conversation.deleted")
        assert [notice["type"] for notice in receiver.notices] == ["conversation.deleted"]
        assert other.notices == []


async def test_a_secret_is_shown_once_and_a_new_one_replaces_it(tmp_path: Path) -> None:
    async with owning(tmp_path, "sqlite", webhooks=QUICK) as kit, killable(tmp_path) as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        made = await hook(owner, receiver.url())
        now = await owner.get(WEBHOOKS)
        assert [endpoint["secret"] for endpoint in now["endpoints"]] == [None]
        assert await in_files(tmp_path)(made["secret"].removeprefix("whsec_")) == []
        entry = {key: made[key] for key in ("id", "url", "events")} | {"newSecret": True}
        status, after = await owner.call("PUT", WEBHOOKS, {"endpoints": [entry], "version": now["version"]})
        assert (status, after["endpoints"][0]["id"]) == (200, made["id"])
        second = after["endpoints"][0]["secret"]
        assert second not in (None, made["secret"])
        await receiver.learn(second)
        await visitor.init()
        await until(lambda: bool(receiver.received()), "a notice under the new secret")
        assert "refused" not in receiver.received()[0]


async def test_a_stale_version_is_a_conflict(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver:
        owner = await kit.owner()
        await hook(owner, receiver.url)
        status, answer = await owner.call("PUT", WEBHOOKS, {"endpoints": [], "version": 0})
        assert (status, answer["error"], answer["details"]["version"]) == (409, "conflict", 1)
        assert (await owner.call("GET", "/sites/nothing/webhooks"))[0] == 404
        stranger = await kit.owner("other", email="other@shop.test")
        assert (await stranger.call("GET", WEBHOOKS))[0] == 404


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.2/hook", "blocked_url"),
        ("https://localhost/hook", "blocked_url"),
        ("https://169.254.169.254/latest", "blocked_url"),
        ("https://[::1]/", "blocked_url"),
        ("https://93.184.215.14@127.0.0.1/", "invalid_request"),
        ("http://93.184.215.14/", "invalid_request"),
        ("ftp://93.184.215.14/", "invalid_request"),
        ("https://[half", "invalid_request"),
        ("https://", "invalid_request"),
    ],
)
async def test_an_address_that_may_not_be_called_is_refused(tmp_path: Path, url: str, error: str) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit:
        owner = await kit.owner()
        body = {"endpoints": [{"url": url, "events": EVERY_EVENT}], "version": 0}
        status, answer = await owner.call("PUT", WEBHOOKS, body)
        assert (status, answer["error"]) == (422 if error == "blocked_url" else 400, error), answer
        assert answer["details"]["path"] == "$.endpoints[0].url"


async def test_a_host_that_has_become_private_is_not_called(tmp_path: Path) -> None:
    """DNS rebinding: the address that is connected to is the one that is checked."""
    async with receiving() as receiver:
        async with owning(tmp_path, "sqlite", webhooks=QUICK) as kit:
            await hook(await kit.owner(), receiver.url)
        async with owning(tmp_path, "sqlite", webhooks=QUICK | {"private_hosts": []}) as kit:
            owner, visitor = await kit.owner(), await kit.visitor()
            await visitor.init()

            async def is_refused() -> bool:
                found = await deliveries(owner)
                return bool(found) and "not a public address" in (found[0]["error"] or "")

            await until(is_refused, "the attempt is refused")
            assert receiver.notices == []


@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_is_a_failure(tmp_path: Path, status: int) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        receiver.status = status
        await hook(owner, receiver.url)
        await visitor.init()
        await until(lambda: len(receiver.notices) >= 2, "two attempts")
        assert {request.path for request in receiver.requests} == {"/hook"}
        assert "redirect" in (await deliveries(owner))[0]["error"]


async def test_410_switches_an_endpoint_off_until_its_owner_switches_it_on(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        receiver.status = 410
        await hook(owner, receiver.url)
        await visitor.init()

        async def is_off() -> bool:
            return (await owner.get(WEBHOOKS))["endpoints"][0]["enabled"] is False

        await until(is_off, "the endpoint is off")
        now = await owner.get(WEBHOOKS)
        assert "410" in now["endpoints"][0]["stopped"]
        await visitor.init()
        assert len(receiver.notices) == 1
        receiver.status = 200
        again = {key: now["endpoints"][0][key] for key in ("id", "url", "events")} | {"enabled": True}
        status, after = await owner.call("PUT", WEBHOOKS, {"endpoints": [again], "version": now["version"]})
        assert (status, after["endpoints"][0]["stopped"]) == (200, None)
        # What was refused waits for it; what happened in between was not kept.
        await until(lambda: len(receiver.notices) == 2, "it is delivered")
        assert receiver.notices[0] == receiver.notices[1]


async def test_an_endpoint_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK | {"timeout": "60s"}) as kit, receiving() as slow, receiving() as quick:
        owner, visitor = await kit.owner(), await kit.visitor()
        ends = asyncio.Event()

        async def hang(_: dict[str, Any]) -> int:
            await ends.wait()
            return 200

        slow.answering = hang
        await hook(owner, slow.url)
        await hook(owner, quick.url)
        for _ in range(12):
            await visitor.init()
        await until(lambda: len(quick.notices) == 12, "the other endpoint has everything")
        assert len(slow.notices) <= 4
        ends.set()
        await until(lambda: len(slow.notices) == 12, "and then this one")


async def test_a_deadline_ends_an_attempt(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK | {"timeout": "200ms"}) as kit, receiving() as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        ends = asyncio.Event()

        async def hang(_: dict[str, Any]) -> int:
            if len(receiver.notices) == 1:
                await ends.wait()
            return 200

        receiver.answering = hang
        await hook(owner, receiver.url)
        await visitor.init()
        await until(lambda: len(receiver.notices) == 2, "a second attempt")

        async def is_delivered() -> bool:
            return [entry["state"] for entry in await deliveries(owner)] == ["delivered"]

        await until(is_delivered, "it is delivered")
        ends.set()


async def given_up(kit: OwnerKit, owner: Caller) -> dict[str, Any]:
    async def failed() -> bool:
        return any(entry["state"] == "failed" for entry in await deliveries(owner))

    await until(failed, "a notice is given up")
    return next(entry for entry in await deliveries(owner) if entry["state"] == "failed")


async def test_what_is_given_up_is_shown_and_sent_again_by_hand(tmp_path: Path) -> None:
    short = QUICK | {"retry_for": "300ms"}
    async with owning(tmp_path, webhooks=short) as kit, receiving() as receiver:
        owner, visitor = await kit.owner(), await kit.visitor()
        receiver.status = 500
        await hook(owner, receiver.url, "message.received")
        session_id = await converse(visitor, "hello")
        entry = await given_up(kit, owner)
        assert (entry["event"], entry["error"]) == ("message.received", "answered 500")
        assert [entry["conversationId"]] == await kit.named(session_id)
        receiver.status, before = 200, len(receiver.notices)
        # It holds up no later one.
        assert await say(visitor, session_id, "again") == 200
        await until(lambda: len(receiver.notices) > before, "the next one comes")
        assert receiver.notices[-1]["data"]["text"] == "again"
        status, answer = await owner.call("POST", f"{WEBHOOKS}/deliveries/{entry['id']}/retry")
        assert (status, answer["state"]) == (202, "waiting")
        await until(lambda: receiver.notices[-1]["data"]["text"] == "hello", "it is sent again")

        async def all_delivered() -> bool:
            return {each["state"] for each in await deliveries(owner)} == {"delivered"}

        await until(all_delivered, "all are delivered")
        status, answer = await owner.call("POST", f"{WEBHOOKS}/deliveries/{entry['id']}/retry")
        assert (status, answer["error"]) == (404, "not_found")
        trail = (await owner.get("/sites/shop/audit"))["entries"]
        assert [line["action"] for line in trail] == ["delivery.retried", "webhooks.changed"]


async def test_a_site_without_webhooks_writes_nothing(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver:
        await hook(await kit.owner(), receiver.url, site="other")
        await converse(await kit.visitor(), "hello")
        assert await kit.storage.settings.names("notices/out/") == []


async def test_the_metrics_count_what_waits_and_what_was_delivered(tmp_path: Path) -> None:
    async with owning(tmp_path, webhooks=QUICK) as kit, receiving() as receiver:
        await hook(await kit.owner(), receiver.url)
        visitor, http = await kit.visitor(), await kit.http()
        await visitor.init()

        async def is_counted() -> bool:
            async with http.get(f"{kit.base}/metrics") as answer:
                text = await answer.text()
            return "leflux_notices_delivered 1.0" in text and "leflux_notices_waiting 0.0" in text

        await until(is_counted, "the metrics say so")
