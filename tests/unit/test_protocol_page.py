"""docs/protocol.md names every event with its fields, and every error code with its status."""

import re

from msgspec.structs import fields

from leflux import protocol
from leflux.protocol import STATUS
from tests.house.files import ROOT

PAGE = (ROOT / "docs/protocol.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def names(kind: type) -> set[str]:
    return {field.encode_name for field in fields(kind)}


def test_the_error_codes_are_those_of_the_server() -> None:
    assert {row[0].strip("`"): int(row[1]) for row in rows("Errors")} == STATUS


def test_the_events_are_those_of_the_protocol_with_their_fields() -> None:
    events = protocol.CLIENT_EVENTS | protocol.SERVER_EVENTS
    described = {row[0].strip("`"): row[1] for row in rows("Events")}
    assert described.keys() == events.keys()
    for event, text in described.items():
        if braces := re.match(r"`\{([^}]*)\}`", text):
            assert {name.strip(" ?") for name in braces[1].split(",")} == names(events[event]), event


def test_every_event_name_of_the_protocol_has_a_payload() -> None:
    declared = {value for name, value in vars(protocol.messages).items() if name.isupper() and isinstance(value, str)}
    owners = {protocol.WATCH_CRAWL, protocol.CRAWL_PROGRESS, protocol.WATCH_CONVERSATION}
    owners |= {protocol.PERSON_TYPING, protocol.CONVERSATION_CHANGED}
    assert declared == {*protocol.CLIENT_EVENTS, *protocol.SERVER_EVENTS, *owners}
    assert all(f"`{event}`" in section("Events") for event in owners)


def test_the_answers_over_http_have_the_fields_of_their_structs() -> None:
    answers = {row[0].strip("`"): row for row in rows("HTTP")}
    for call, request, answer in (
        ("POST /api/session/init", protocol.InitRequest, protocol.InitAnswer),
        ("POST /api/session/<id>", protocol.RestoreRequest, protocol.RestoreAnswer),
        ("POST /api/chat", protocol.ChatRequest, protocol.Chatted),
    ):
        body, said = (set(re.findall(r"\w+", cell.split("}")[0])) for cell in answers[call][1:3])
        assert (body, said) == (names(request), names(answer)), call
