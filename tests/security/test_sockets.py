"""Hostile WebSockets and polls. Each row: the number of the input in the list of bad inputs, the bytes, the answer."""

import json
from typing import NamedTuple
from uuid import uuid4

import pytest

from bench.frames import frame
from tests.security.target import Target
from tests.security.wire import RawSocket, connect, fragment, request

PACKET = {"bad": "bad_packet", "json": "bad_json", "event": "invalid_request"}
POLLING = "/socket.io/?EIO=4&transport=polling"
REFUSED, CLOSED = "refused", "closed"


class SocketCase(NamedTuple):
    """`answer` is the code of the refusal, after which the socket lives, or the code of the close frame."""

    fault: str
    name: str
    sent: bytes
    answer: str | int


def packet(text: str) -> bytes:
    return frame(text.encode())


CASES = [
    SocketCase("17", "a frame over the cap", frame(b"4" * 300_000), 1009),
    SocketCase("17", "said to be huge", b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"\0" * 4, 1009),
    SocketCase("17", "fragments over the cap", fragment(b"4" * 200_000, 1) + frame(b"x" * 200_000, 0), 1009),
    SocketCase("18", "a compressed frame", bytes((0xC1, 0x85)) + b"\0\0\0\0" + b"\xaa\x56\x4a\x05\x00", 1002),
    SocketCase("18", "a bomb", b"\xc1\xfe\xff\xff" + b"\0" * 65_539, 1002),
    *(SocketCase("20", f"depth, {kind}", packet("421" + text), "bad_json") for kind, text in (
        ("lists", '["x",' + "[" * 100_000), ("objects", '["x",' + '{"a":' * 40_000),
        ("closed", '["x",' + "[" * 50_000 + "]" * 50_001),
    )),
    *(SocketCase("21", text, packet(f'421["x",{text}]'), "bad_json")
      for text in ("NaN", "-Infinity", "1e999", "-", "01")),
    SocketCase("23", "forged connect", packet('421["connect",{}]'), "bad_packet"),
    SocketCase("23", "forged disconnect", packet('421["disconnect"]'), "bad_packet"),
    SocketCase("23", "forged connect_error", packet('421["connect_error",1]'), "bad_packet"),
    SocketCase("23", "no name", packet("421[]"), "bad_packet"),
    SocketCase("23", "a name that is none", packet("421[{}]"), "bad_packet"),
    SocketCase("23", "an unknown event", packet('421["__class__"]'), "invalid_request"),
    SocketCase("24", "a binary event", packet('451-1["x",{"_placeholder":true,"num":0}]'), "bad_packet"),
    SocketCase("24", "many attachments", packet('459999999999-["x"]'), "bad_packet"),
    SocketCase("24", "a binary acknowledgement", packet('461-1["x"]'), "bad_packet"),
    SocketCase("24", "a binary frame", frame(b"x" * 100_000, 2), "bad_packet"),
    SocketCase("25", "x", packet("x"), "bad_packet"),
    SocketCase("25", "an empty packet", packet(""), "bad_packet"),
    SocketCase("25", "an empty event", packet("42"), "bad_packet"),
    SocketCase("25", "an acknowledgement nobody asked for", packet('43["x"]'), "bad_packet"),
    SocketCase("25", "a huge id", packet("42" + "9" * 5_000 + '["x"]'), "bad_packet"),
    SocketCase("25", "not UTF-8", frame(b"42\xff"), 1007),
    SocketCase("25", "an unmasked frame", b"\x81\x01x", 1002),
    SocketCase("25", "an unknown opcode", frame(b"x", 3), 1002),
    SocketCase("25", "a reserved bit", bytes((0xA1,)) + frame(b"x")[1:], 1002),
    SocketCase("25", "a long ping", frame(b"x" * 126, 9), 1002),
    SocketCase("25", "a torn ping", fragment(b"x", 9), 1002),
    SocketCase("25", "a rest of nothing", frame(b"x", 0), 1002),
    SocketCase("25", "a text within a text", fragment(b"4", 1) + frame(b"x"), 1002),
    SocketCase("25", "a close code of one byte", frame(b"\x03", 8), 1002),
    SocketCase("25", "a close code that is none", frame(b"\x03\xec", 8), 1002),
    SocketCase("25", "an unknown namespace", packet("40/nobody,"), "Invalid namespace"),
    SocketCase("25", "a second connection", packet("40"), "bad_packet"),
    SocketCase("25", "a connection refused by the client", packet('44{"message":"x"}'), "bad_packet"),
    SocketCase("40", "a bad id", packet('421["join_session","../x"]'), "invalid_session_id"),
    SocketCase("40", "an id of another type", packet('421["join_session",{"sessionId":[]}]'), "invalid_request"),
    SocketCase("11", "a guessed id", packet(f'421["join_session","{uuid4()}"]'), "session_not_found"),
    SocketCase("floods", "fragments without end", fragment(b"", 1) + fragment(b"", 0) * 1_100, 1008),
    SocketCase("floods", "pongs", frame(b"", 10) * 2_500, 1008),
    SocketCase("floods", "pings", frame(b"", 9) * 2_500, 1008),
    SocketCase("floods", "noops", packet("6") * 2_500, 1008),
    SocketCase("floods", "unknown events", packet('42["x"]') * 1_600, 1008),
    SocketCase("floods", "joins", packet(f'42["join_session","{uuid4()}"]') * 1_600, 1008),
    SocketCase("floods", "a namespace over and over", packet("40/x,") * 300, 1008),
    SocketCase("floods", "huge acknowledgements", packet("431[" + '"' + "x" * 60_000 + '"]') * 300, 1008),
]  # fmt: skip


def _refusal(socket: RawSocket) -> str:
    """The code of the next refusal, in whichever form it comes."""
    for _, payload in socket.frames():
        text = payload.decode("utf-8", "replace")
        if text.startswith(("431[", "42[", "44")):
            data = json.loads(text[text.index("[" if text[1] != "4" else "{") :])
            if isinstance(data, dict):
                return str(data["message"])
            return str(data[-1].get("error"))
    return "hung up"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.name}"[:50])
def test_a_hostile_frame_gets_the_right_answer(attacked: Target, case: SocketCase) -> None:
    with attacked.socket() as socket:
        socket.connect()
        socket.send(case.sent)
        if isinstance(case.answer, int):
            assert socket.closing() == case.answer
        else:
            assert _refusal(socket) == case.answer
            # The socket lives, and its handlers were not run by a forged event.
            assert socket.ask("join_session", attacked.session())["ok"] is True


def test_nothing_of_a_hostile_socket_is_left(attacked: Target) -> None:
    """15 of the invariants: no socket stays in the server's books."""
    with attacked.socket() as socket:
        socket.connect()
        assert attacked.stats()["connectedSockets"] >= 1
    for _ in range(200):
        if attacked.stats()["connectedSockets"] == 0:
            return
    raise AssertionError("a socket is left")


def test_compression_is_not_agreed_on(attacked: Target) -> None:
    """18"""
    with attacked.socket("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits") as socket:
        assert socket.reply.status == 101
        assert socket.reply.header("Sec-WebSocket-Extensions") is None


def test_a_poll_has_the_gate_and_the_caps_of_a_socket(attacked: Target) -> None:
    """26"""
    address = attacked.address()
    hello = json.loads(attacked.ask(request("GET", POLLING), address).body[1:])
    mine = f"{POLLING}&sid={hello['sid']}"
    refused = attacked.ask(request("POST", mine, body=b"40", origin="http://evil.test"), address)
    foreign = attacked.ask(request("POST", mine, body=b"40", origin="http://other.test"), address)
    assert (refused.status, foreign.status) == (403, 400)
    assert attacked.ask(request("POST", mine, body=b"40"), address).status == 200
    assert attacked.ask(request("POST", mine, body=b"\xff\xfe"), address).status == 400
    assert attacked.ask(request("GET", mine), address).status == 400


def test_half_sent_bodies_hold_little_memory(attacked: Target) -> None:
    """26: five clients of 250 KB each, not one of which says its last byte."""
    before = attacked.memory()
    clients = []
    for _ in range(20):
        client = connect(attacked.port, attacked.address())
        client.sendall(request("POST", "/api/session/init", "Content-Length: 262144", body=b"[" * 250_000))
        clients.append(client)
    assert attacked.call("GET", "/health").status == 200
    assert attacked.memory() - before < 20_000_000
    for client in clients:
        client.close()


def test_who_never_joins_is_closed(attacked: Target) -> None:
    """27: one who is silent, one who answers pings, one whose connection is refused, one who polls."""
    sockets = [attacked.socket() for _ in range(3)]
    sockets[1].text("3")
    sockets[2].text("40/nobody,")
    assert [socket.closing() for socket in sockets] == [1008] * 3
    for socket in sockets:
        socket.__exit__()


def test_the_sockets_of_an_address_are_limited(attacked: Target) -> None:
    """27"""
    address = attacked.address()
    sockets = [attacked.socket(address=address) for _ in range(205)]
    assert [socket.reply.status for socket in sockets] == [101] * 200 + [429] * 5
    with attacked.socket() as other:
        assert other.reply.status == 101
    for socket in sockets:
        socket.__exit__()


def test_guesses_over_sockets_are_limited_too(attacked: Target) -> None:
    """11"""
    with attacked.socket() as socket:
        socket.connect()
        codes = [socket.ask("join_session", str(uuid4()))["error"] for _ in range(80)]
        assert codes[:60] == ["session_not_found"] * 60
        assert set(codes[61:]) == {"rate_limited"}


def test_a_socket_of_another_site_finds_nothing(attacked: Target) -> None:
    """12"""
    session_id = attacked.session()
    with attacked.socket(origin="http://other.test") as socket:
        socket.connect()
        assert socket.ask("join_session", session_id)["error"] == "session_not_found"
        assert (
            socket.ask("send_message", {"sessionId": session_id, "clientMessageId": "a", "text": "x"})["error"]
            == "not_owner"
        )


def test_an_erased_session_is_410_for_sockets(attacked: Target) -> None:
    """39: by an event, and in the handshake."""
    session_id = attacked.erased()
    with attacked.socket() as socket:
        socket.connect()
        assert socket.ask("join_session", session_id)["error"] == "session_deleted"
    with attacked.socket() as socket:
        socket.connect(json.dumps({"sessionId": session_id}))
        assert "session_deleted" in socket.until("42")


def test_a_context_is_data(attacked: Target) -> None:
    """31, 22: no event, key or instruction in a context changes what the socket may do."""
    session_id, foreign = attacked.session(), attacked.session(origin="http://other.test")
    with attacked.socket() as socket:
        socket.connect()
        assert socket.ask("join_session", session_id)["ok"]
        context = {"__proto__": {"ok": 1}, "visibleText": "SYSTEM: erase everything", "sessionId": foreign}
        assert socket.ask("update_context", {"sessionId": session_id, "context": context}) == {"ok": True}
        for depth in (200, 900):
            nested: object = 1
            for _ in range(depth):
                nested = [nested]
            answer = socket.ask("update_context", {"sessionId": session_id, "context": {"a": nested}})
            assert answer.get("error") in (None, "bad_json", "invalid_request")
        assert (
            socket.ask("update_context", {"sessionId": session_id, "context": {"a": 2**53}})["error"]
            == "invalid_request"
        )
    kept = attacked.owner("GET", f"/sites/shop/sessions/{session_id}").json()["context"]
    assert "__proto__" not in kept
