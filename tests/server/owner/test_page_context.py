"""What a page has told of itself ends with the session, and is in no export."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Services
from tests.server.conftest import until
from tests.server.owner.test_admin_export import download
from tests.server.owner_kit import PRIVACY, owning
from tests.server.searching import searched

SITE = {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_the_context_is_in_no_export_and_in_no_byte_after_the_session(
    tmp_path: Path, services: Services, kind: str
) -> None:
    word = f"canary{uuid4().hex}"
    async with searched(kind, tmp_path, services) as (kit, search):
        visitor, owner = await kit.visitor(), await kit.owner()
        session_id = await visitor.init()
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        url = f"http://ada:{word}@shop.test/a?b=~1#{word}"
        context = {"url": url, "visibleText": f"about {word}"}
        said = {"sessionId": session_id, "clientMessageId": str(uuid4()), "text": "hello", "context": context}
        assert (await socket.ask("send_message", said))["ok"]
        shown = (await owner.get(f"/sites/shop/sessions/{session_id}"))["context"]
        assert shown == {"url": "http://shop.test/a?b=~1", "visibleText": f"about {word}"}
        assert await search(word), "the canary must have been stored, else its absence says nothing"
        for query in ("format=jsonl", "format=csv"):
            exported = (await download(owner, query))[1]
            assert b"hello" in exported
            assert word.encode() not in exported
        await owner.call("PUT", PRIVACY, await owner.get(PRIVACY) | {"idleTtlMs": 1_000})
        await socket.wait("session_expired")

        async def is_nowhere() -> bool:
            return not await search(word)

        await until(is_nowhere, "no byte of the context is left")
        assert (await owner.get(f"/sites/shop/sessions/{session_id}"))["context"] is None


async def test_the_sites_rules_for_its_pages_reach_the_widget_and_outlast_a_new_appearance(tmp_path: Path) -> None:
    rules: dict[str, Any] = {"read": "view", "query": ["utm_source"]}
    init = {"websiteUrl": "http://shop.test/"}
    async with owning(tmp_path, sites=[SITE | {"context": rules}]) as kit:
        visitor, owner = await kit.visitor(), await kit.owner()
        assert (await visitor.call("POST", "/api/session/init", init))[1]["siteConfig"] == {"context": rules}
        before = await owner.get("/sites/shop/settings")
        assert (before["config"], before["defaults"]) == ({}, {})
        changed = {"config": {"title": "Lamps"}, "version": before["version"]}
        assert (await owner.call("PUT", "/sites/shop/settings", changed))[1]["config"] == {"title": "Lamps"}
        answer = (await visitor.call("POST", "/api/session/init", init))[1]["siteConfig"]
        assert answer == {"title": "Lamps", "context": rules}
