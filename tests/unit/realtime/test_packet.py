"""The Socket.IO packet: what is valid is read as it was written, everything else is refused with a code."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leflux.protocol import Problem
from leflux.realtime.engine.wire import (
    ACK,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    RESERVED,
    Packet,
    parse,
    refusal,
)


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
    packet = parse(text)
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
        '2["x",1e999]',
        '2["x"]\x00',
        "2\uff12[1]",
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
        "2/" + "a" * 300 + ',["x"]',
        '21234567890123456["x"]',
        '2-1["x"]',
        '2 ["x',
    ],
)
def test_everything_else_is_refused_with_a_code(text: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(text)
    assert caught.value.code in ("bad_packet", "bad_json")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('27["x",NaN]', '37[{"ok":false,"error":"no","message":"why"}]'),
        ("2/admin,7[1]", '3/admin,7[{"ok":false,"error":"no","message":"why"}]'),
        ('51-7["x",{"_placeholder":true,"num":0}]', '37[{"ok":false,"error":"no","message":"why"}]'),
        ("2[1]", '2["error",{"error":"no","message":"why"}]'),
        ("2/admin,[1]", '2/admin,["error",{"error":"no","message":"why"}]'),
        ("37{}", '2["error",{"error":"no","message":"why"}]'),
        ("61-7[]", '2["error",{"error":"no","message":"why"}]'),
        ("", '2["error",{"error":"no","message":"why"}]'),
        ("0/admin,[]", '4/admin,{"message":"why","data":{"error":"no","message":"why"}}'),
    ],
)
def test_a_refusal_answers_as_the_packet_would_be(text: str, answer: str) -> None:
    assert refusal(text, _Refused()) == answer


class _Refused(Problem):
    def __init__(self) -> None:
        super().__init__("no", "why")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"\ud83d"', "\ufffd"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d\ud83d\ude00\ude00"', "\ufffd\U0001f600\ufffd"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', "\\\ufffd"),
        (r'"\uDBFFx\uDFFF\u0041"', "\ufffdx\ufffdA"),
        (r'{"\ud83d":"\udE00"}', {"\ufffd": "\ufffd"}),
    ],
)
def test_a_lone_surrogate_is_replaced_in_values_and_keys(written: str, read: object) -> None:
    # One lone half beside each case, so that the text needs to be mended.
    assert parse(rf'2["x",{written},"\udc00"]').data[1] == read


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_client_cannot_forge_a_reserved_event(name: str) -> None:
    with pytest.raises(Problem, match="reserved"):
        parse(msgspec.json.encode([name, {}]).decode().join(["2", ""]))


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None, database=None, derandomize=True)
def test_no_text_raises_anything_but_a_problem(text: str) -> None:
    for kind in ("", "0", "1", "2", "3", "4", '2["x",'):
        try:
            packet = parse(kind + text)
        except Problem as problem:
            refusal(kind + text, problem)
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
    packet = parse(written)
    assert (packet.data, packet.id) == ([name, payload], number)


def test_structs_and_ready_json_are_written_as_they_are() -> None:
    assert Packet(EVENT, ["message", msgspec.Raw(b'{"seq":1}')], "/").encode() == '2["message",{"seq":1}]'
    assert Packet(ACK, [{"ok": True}], "/admin", 3).encode() == '3/admin,3[{"ok":true}]'
    assert Packet(CONNECT_ERROR, {"message": "no"}).encode() == '4{"message":"no"}'
