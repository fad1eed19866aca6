"""Email for an owner, to a real SMTP server: what it says, and that a server that is away loses none."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from leflux.chat.conversation_events import ChatEvent
from tests.server.conftest import until
from tests.server.notices.receiving import QUICK
from tests.server.owner_kit import Caller, OwnerKit, converse, owning
from tests.services import free_port

EMAILS = "/sites/shop/email"
BOTH = ["person.asked", "address.left"]


class Mailbox:
    """Keeps what it accepts; `refuses`: answers 451 to so many emails first."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.refuses = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses:
            self.refuses -= 1
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append((list(envelope.rcpt_tos), message))
        return "250 OK"


@contextmanager
def mail_server(port: int) -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def smtp(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "security": "none", "sender": "chat@leflux.test", "timeout": "5s"}


async def subscribe(owner: Caller, *addresses: str) -> None:
    now = await owner.get(EMAILS)
    body = {"addresses": addresses, "events": BOTH, "version": now["version"]}
    status, answer = await owner.call("PUT", EMAILS, body)
    assert (status, answer["addresses"]) == (200, list(addresses)), answer


async def happens(kit: OwnerKit, event: str, session_id: str, **data: Any) -> None:
    assert kit.server.process is not None
    await kit.server.process.notices.recorder.record(ChatEvent(event, "shop", session_id, 1, data))  # type: ignore[arg-type]


async def test_an_owner_is_told_who_asks_for_a_person(tmp_path: Path) -> None:
    port = free_port()
    with mail_server(port) as box:
        async with owning(tmp_path, webhooks=QUICK, smtp=smtp(port)) as kit:
            await subscribe(await kit.owner(), "ada@shop.test", "bob@shop.test")
            session_id = await converse(await kit.visitor(), "a person, please\r\nBcc: evil@shop.test")
            [cid] = await kit.named(session_id)
            await happens(kit, "person.asked", session_id, text="a person, please\r\nBcc: evil@shop.test")
            await happens(kit, "address.left", session_id, email="visitor@home.test")
            await until(lambda: len(box.received) == 2, "two emails")
    (to, asked), (_, left) = box.received
    assert to == ["ada@shop.test", "bob@shop.test"]
    assert asked["Subject"] == "A visitor of Shop asks for a person"
    assert asked["From"] == "chat@leflux.test"
    assert asked["Bcc"] is None
    assert "a person, please" in asked.get_content()
    assert f"/dashboard/shop/conversations/{cid}" in asked.get_content()
    assert session_id not in asked.as_string()
    assert "visitor@home.test" in left.get_content()
    assert asked["Message-ID"] != left["Message-ID"]


async def test_a_mail_server_that_is_away_or_refuses_loses_no_email(tmp_path: Path) -> None:
    port = free_port()
    async with owning(tmp_path, webhooks=QUICK, smtp=smtp(port)) as kit:
        owner = await kit.owner()
        await subscribe(owner, "ada@shop.test")
        session_id = await converse(await kit.visitor(), "hello")
        await happens(kit, "person.asked", session_id)

        async def has_failed() -> bool:
            found = (await owner.get("/sites/shop/webhooks/deliveries"))["deliveries"]
            return bool(found) and found[0]["error"] is not None and found[0]["endpointId"] == "email"

        await until(has_failed, "an attempt fails")
        with mail_server(port) as box:
            box.refuses = 2
            await until(lambda: len(box.received) == 1, "the email comes")


async def test_an_erased_conversation_is_not_written_about(tmp_path: Path) -> None:
    """R7: what waits for the mail server goes with the conversation."""
    async with owning(tmp_path, webhooks=QUICK, smtp=smtp(free_port())) as kit:
        await subscribe(await kit.owner(), "ada@shop.test")
        visitor = await kit.visitor()
        session_id = await converse(visitor, "hello")
        await happens(kit, "person.asked", session_id, text="hello")
        assert len(await kit.storage.settings.names("notices/out/")) == 1
        assert (await visitor.call("DELETE", f"/api/session/{session_id}"))[0] == 200
        assert await kit.storage.settings.names("notices/out/") == []


@pytest.mark.parametrize("address", ["no address", "a@b, c@d", "a@b\nBcc: c@d", "@b", "a@"])
async def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    async with owning(tmp_path, smtp=smtp(free_port())) as kit:
        owner = await kit.owner()
        status, answer = await owner.call("PUT", EMAILS, {"addresses": [address], "events": BOTH, "version": 0})
        assert (status, answer["details"]["path"]) == (400, "$.addresses[0]"), answer


async def test_without_a_mail_server_no_address_is_taken(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        owner = await kit.owner()
        assert (await owner.get(EMAILS))["isAvailable"] is False
        body = {"addresses": ["ada@shop.test"], "events": BOTH, "version": 0}
        status, answer = await owner.call("PUT", EMAILS, body)
        assert (status, answer["details"]["path"]) == (400, "$.addresses")
