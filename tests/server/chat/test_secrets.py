"""What looks like a secret reaches no byte of a store, no log, no agent and no webhook."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from tests.conftest import Services
from tests.server.conftest import Visitor, until
from tests.server.owner_kit import owning
from tests.server.searching import searched

CARD, TOKEN, PASSWORD = "4111 1111 1111 1111", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "hunter2hunter2"
SITE = {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}
EVERYTHING = [SITE | {"hide": ["card", "token", "password"]}]


def said(session_id: str, text: str, key: str) -> dict[str, str]:
    return {"sessionId": session_id, "clientMessageId": key, "text": text, "message": text}


async def answered(visitor: Visitor, session_id: str, count: int) -> list[dict[str, Any]]:
    async def is_there() -> bool:
        return len(await visitor.messages(session_id)) >= count

    await until(is_there, f"{count} messages are stored")
    return await visitor.messages(session_id)


@pytest.mark.parametrize("kind", ["sqlite", "split", "redis"])
async def test_the_original_is_nowhere_and_a_repeat_is_stored_once(
    tmp_path: Path, services: Services, kind: str
) -> None:
    texts = [f"my card is {CARD}", f"key {TOKEN}", f"My password is {PASSWORD}"]
    async with searched(kind, tmp_path, services, sites=EVERYTHING) as (kit, search):
        visitor, owner = await kit.visitor(), await kit.owner()
        prior = [{"role": "visitor", "text": f"before that {CARD} and {TOKEN}"}]
        with capture_logs() as logged:
            session_id = await visitor.init(priorHistory=prior)
            socket = await visitor.socket(session_id)
            await socket.wait("session_joined")
            keys = [str(uuid4()) for _ in texts]
            sent = [said(session_id, *each) for each in zip(texts, keys, strict=True)]
            acks = [await socket.ask("send_message", each) for each in sent]
            shown = [(ack["text"], ack["data"]["hidden"]) for ack in acks]
            assert shown == [
                ("my card is •••", ["card"]),
                ("key •••", ["token"]),
                ("My password is •••", ["password"]),
            ]
            assert [await socket.ask("send_message", each) for each in sent] == acks
            _, posted = await visitor.call("POST", "/api/chat", said(session_id, texts[0], keys[0]))
            assert (posted["messageId"], posted["text"]) == (acks[0]["messageId"], "my card is •••")
            other = await socket.ask("send_message", said(session_id, "another text", keys[0]))
            assert other["error"] == "duplicate_id_conflict"
            messages = await answered(visitor, session_id, 6)
        assert sorted(message["text"] for message in messages if message["role"] == "assistant") == sorted(
            f"echo: {text}" for text, _ in shown
        )
        assert [message["data"] for message in messages if message["role"] == "visitor"] == [
            {"hidden": ["card"]}, {"hidden": ["token"]}, {"hidden": ["password"]}
        ]  # fmt: skip
        assert (await owner.get(f"/sites/shop/sessions/{session_id}"))["messages"]
        for secret in (CARD, TOKEN, PASSWORD):
            assert await search(secret) == []
            assert secret not in repr(logged)
        assert await search("•••"), "the hidden text must have been stored, else the absence says nothing"


async def test_a_site_decides_what_is_hidden(tmp_path: Path) -> None:
    everything = f"{CARD} {TOKEN} my password is {PASSWORD}"
    expected = {
        "default": (SITE, f"••• ••• my password is {PASSWORD}"),
        "none": (SITE | {"hide": []}, everything),
        "password": (SITE | {"hide": ["password"]}, f"{CARD} {TOKEN} my password is •••"),
    }
    for site, text in expected.values():
        async with owning(tmp_path, sites=[site]) as kit:
            visitor = await kit.visitor()
            session_id = await visitor.init()
            await visitor.call("POST", "/api/chat", said(session_id, everything, str(uuid4())))
            assert (await answered(visitor, session_id, 1))[0]["text"] == text


async def test_a_message_without_a_secret_is_as_it_was(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        visitor = await kit.visitor()
        session_id = await visitor.init()
        plain = said(session_id, "Order 20261130 for 3 lamps", str(uuid4()))
        _, answer = await visitor.call("POST", "/api/chat", plain)
        assert sorted(answer) == ["messageId", "seq", "status"]
        assert "data" not in (await answered(visitor, session_id, 1))[0]
