"""The frames that bypass the state machine: whole text frames, and nothing that only looks like one."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from leflux.realtime.engine.frames import Cutter, Piece, text_frame

LIMIT = 70_000


def masked(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, LIMIT])
def test_a_whole_text_frame_is_unmasked(length: int) -> None:
    payload = bytes(index % 251 for index in range(length))
    assert list(Cutter(LIMIT).feed(masked(payload))) == [Piece(payload, b"")]


def test_text_is_the_same_wherever_it_was_torn() -> None:
    data = masked(b"one") + masked(b"two" * 50) + masked(b"")
    for at in range(len(data) + 1):
        cutter = Cutter(LIMIT)
        pieces = [*cutter.feed(data[:at]), *cutter.feed(data[at:])]
        assert [piece.text for piece in pieces] == [b"one", b"two" * 50, b""]


def test_a_frame_that_comes_byte_by_byte_is_whole_at_its_end() -> None:
    cutter = Cutter(LIMIT)
    found = [piece for byte in masked(b"slow" * 400) for piece in cutter.feed(bytes((byte,)))]
    assert found == [Piece(b"slow" * 400, b"")]


def test_every_other_frame_goes_to_the_state_machine_whole() -> None:
    frames = [
        masked(b"", Opcode.PING),
        masked(b"half", fin=False),
        masked(b"rest", Opcode.CONT),
        masked(b"bytes", Opcode.BINARY),
        b"\x81\x01x",
        b"\xc1" + masked(b"bit")[1:],
    ]
    assert list(Cutter(LIMIT).feed(b"".join(frames))) == [Piece(None, data) for data in frames]


def test_what_is_too_long_goes_to_the_state_machine_by_its_head() -> None:
    head = masked(b"x" * (LIMIT + 1))[:14]
    assert list(Cutter(LIMIT).feed(head)) == [Piece(None, head, is_rest=True)]


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_what_is_sent_is_a_text_frame_to_every_client(length: int) -> None:
    client = Protocol(CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(text_frame(b"x" * length))
    [event] = client.events_received()
    assert event == Frame(Opcode.TEXT, b"x" * length)
