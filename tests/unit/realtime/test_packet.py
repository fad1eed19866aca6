"""The Socket.IO packet: what is valid is read as it was written, everything else closes the socket."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leflux.realtime.engine.packet import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, RESERVED, Packet


@pytest.mark.parametrize(
    ("text", "kind", "namespace", "number", "data"),
    [
        ("0", CONNECT, None, None, None),
        ('0{"sessionId":"x"}', CONNECT, None, None, {"sessionId": "x"}),
        ("0/admin,", CONNECT, "/admin", None, None),
        ('0/admin,{"token":"x"}', CONNECT, "/admin", None, {"token": "x"}),
        ("1", DISCONNECT, None, None, None),
        ('2["send_message",{"text":"é"}]', EVENT, None, None, ["send_message", {"text": "é"}]),
        ('212["x"]', EVENT, None, 12, ["x"]),
        ('2/admin,12["x"]', EVENT, "/admin", 12, ["x"]),
        ("37[]", ACK, None, 7, []),
        ('2["a",[[[[1]]]],null,true]', EVENT, None, None, ["a", [[[[1]]]], None, True]),
    ],
)
def test_a_valid_packet_is_read(text: str, kind: int, namespace: str | None, number: int | None, data: object) -> None:
    packet = Packet(encoded_packet=text)
    assert (packet.packet_type, packet.namespace, packet.id, packet.data) == (kind, namespace, number, data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "5",
        "9[]",
        '51-["x",{"_placeholder":true,"num":0}]',
        '61-7[{"_placeholder":true,"num":0}]',
        "2",
        "2{}",
        "2[]",
        '2"x"',
        "2[1]",
        "2[null]",
        "2[",
        '2["x"',
        '2["x"]]',
        '2["x"] 1',
        '2["x",NaN]',
        '2["x","\\ud800"]',
        "2" + "[" * 100_000,
        '2["x",' + "[" * 100_000,
        "3[]",
        "3",
        "37{}",
        '37"x"',
        "0[]",
        '0"x"',
        "1[]",
        "4",
        '4{"message":"no"}',
        '2/admin["x"]',
        "2/" + "a" * 100 + ',["x"]',
        '21234567890123456["x"]',
        '2-1["x"]',
        '2 ["x',
    ],
)
def test_everything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        Packet(encoded_packet=text)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_client_cannot_forge_a_reserved_event(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        Packet(encoded_packet=msgspec.json.encode([name, {}]).decode().join(["2", ""]))


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None, database=None, derandomize=True)
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    for kind in ("", "0", "1", "2", "3", "4", '2["x",'):
        try:
            packet = Packet(encoded_packet=kind + text)
        except ValueError:
            continue
        assert packet.packet_type in (CONNECT, DISCONNECT, EVENT, ACK)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.text(min_size=1).filter(lambda name: name not in RESERVED), JSON, st.none() | st.integers(0, 10**15 - 1))
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_what_is_written_is_read_again(name: str, payload: object, number: int | None) -> None:
    written = Packet(EVENT, [name, payload], "/", number).encode()
    packet = Packet(encoded_packet=written)
    assert (packet.data, packet.id) == ([name, payload], number)


def test_structs_and_ready_json_are_written_as_they_are() -> None:
    assert Packet(EVENT, ["message", msgspec.Raw(b'{"seq":1}')], "/").encode() == '2["message",{"seq":1}]'
    assert Packet(ACK, [{"ok": True}], "/admin", 3).encode() == '3/admin,3[{"ok":true}]'
    assert Packet(CONNECT_ERROR, {"message": "no"}).encode() == '4{"message":"no"}'
