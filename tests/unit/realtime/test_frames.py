"""Frames: read whole wherever they were torn, refused by their head, written as every client reads them."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from leflux.realtime.engine import wire
from leflux.realtime.engine.wire import Fragments, FrameError, FrameReader, check_close, encode_frame

LIMIT = 70_000


def masked(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


def read(reader: FrameReader, data: bytes) -> list[tuple[int, bool, bytes]]:
    reader.feed(data)
    found = []
    while (frame := reader.next()) is not None:
        found.append((frame.opcode, frame.is_final, frame.payload))
    return found


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, LIMIT])
def test_a_whole_frame_is_unmasked(length: int) -> None:
    payload = bytes(index % 251 for index in range(length))
    assert read(FrameReader(LIMIT), masked(payload)) == [(wire.TEXT, True, payload)]


def test_frames_are_the_same_wherever_they_were_torn() -> None:
    data = masked(b"one") + masked(b"", Opcode.PING) + masked(b"two" * 50, fin=False) + masked(b"", Opcode.CONT)
    for at in range(len(data) + 1):
        reader = FrameReader(LIMIT)
        assert read(reader, data[:at]) + read(reader, data[at:]) == [
            (wire.TEXT, True, b"one"),
            (wire.PING, True, b""),
            (wire.TEXT, False, b"two" * 50),
            (wire.CONTINUATION, True, b""),
        ]


def test_a_frame_that_comes_byte_by_byte_is_whole_at_its_end() -> None:
    reader = FrameReader(LIMIT)
    found = [frame for byte in masked(b"slow" * 400) * 2 for frame in read(reader, bytes((byte,)))]
    assert found == [(wire.TEXT, True, b"slow" * 400)] * 2


def test_what_was_read_is_not_kept() -> None:
    reader, kept = FrameReader(LIMIT), []
    stream = masked(b"x" * 100) * 500
    # Hardly a read ends with a frame.
    for at in range(0, len(stream), 101):
        read(reader, stream[at : at + 101])
        kept.append(len(reader._data))
    assert max(kept) < 300


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\x81\x01x", 1002, id="unmasked"),
        pytest.param(b"\xc1\x80", 1002, id="a reserved bit"),
        pytest.param(b"\x83\x80", 1002, id="a reserved opcode"),
        pytest.param(b"\x09\x80", 1002, id="a fragmented ping"),
        pytest.param(b"\x89\xfe", 1002, id="a long ping"),
        pytest.param(masked(b"x" * (LIMIT + 1))[:10], 1009, id="too long"),
        pytest.param(b"\x82\xff" + b"\xff" * 8, 1009, id="the longest there is"),
    ],
)
def test_a_bad_frame_is_refused_by_its_head(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as caught:
        read(FrameReader(LIMIT), data)
    assert caught.value.code == code


def test_a_torn_close_frame_is_none() -> None:
    whole = masked(b"\x03\xe8bye", Opcode.CLOSE)
    for at in range(len(whole)):
        assert read(FrameReader(LIMIT), whole[:at]) == []


def test_a_message_has_so_many_fragments_and_bytes() -> None:
    empty, full = wire.Frame(wire.CONTINUATION, False, b""), wire.Frame(wire.TEXT, False, b"x" * LIMIT)
    many, large = Fragments(wire.TEXT, LIMIT), Fragments(wire.TEXT, LIMIT)
    for _ in range(wire.MAX_FRAGMENTS):
        assert many.add(empty) is None
    with pytest.raises(FrameError) as too_many:
        many.add(empty)
    assert large.add(full) is None
    with pytest.raises(FrameError) as too_large:
        large.add(wire.Frame(wire.CONTINUATION, True, b"x"))
    assert (too_many.value.code, too_large.value.code) == (1008, 1009)


@pytest.mark.parametrize(("payload", "code"), [(b"\x03", 1002), (b"\x03\xed", 1002), (b"\x03\xe8\xff", 1007)])
def test_a_bad_close_is_an_error(payload: bytes, code: int) -> None:
    with pytest.raises(FrameError) as caught:
        check_close(payload)
    assert caught.value.code == code


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_what_is_sent_is_a_frame_to_every_client(length: int) -> None:
    client = Protocol(CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(encode_frame(wire.TEXT, b"x" * length))
    [event] = client.events_received()
    assert event == Frame(Opcode.TEXT, b"x" * length)
