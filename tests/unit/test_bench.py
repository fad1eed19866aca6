"""The bench's own parts: what it cuts, and how it compares."""

import asyncio

import pytest

from bench.frames import Frames, frame
from bench.rounds import Sample, Work, interleaved, rates
from bench.servers import Server


def unmasked(data: bytes) -> bytes:
    """What a server sends for the payload of a client's frame, of less than 126 bytes."""
    return bytes((data[0], data[1] & 0x7F)) + data[6:]


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_masked_and_says_its_length(length: int) -> None:
    data = frame(b"x" * length)
    assert data[0] == 0x81
    assert data[1] & 0x80
    size = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    said = int.from_bytes(data[2 : 2 + size], "big") if size else data[1] & 0x7F
    assert said == length
    assert data[2 + size :] == b"\0\0\0\0" + b"x" * length


def test_frames_are_cut_wherever_they_were_torn() -> None:
    data = unmasked(frame(b"first")) + unmasked(frame(b"", 0x9)) + b"\x81\x7e\x00\x80" + b"y" * 128
    expected = [(0x1, b"first"), (0x9, b""), (0x1, b"y" * 128)]
    for at in range(len(data) + 1):
        frames = Frames()
        assert [*frames.feed(data[:at]), *frames.feed(data[at:])] == expected


class Counted(Server):
    """A server that costs a fixed time an operation, and does nothing else."""

    def __init__(self, name: str, cost: float) -> None:
        self.name = name
        self.count = 0
        self._cost = cost

    def cpu(self) -> float:
        return self.count * self._cost

    def store_cpu(self) -> float:
        return self.count * self._cost / 2

    async def work(self) -> None:
        self.count += 1
        await asyncio.sleep(0.001)


async def test_the_subjects_take_turns_and_the_cost_of_one_operation_is_told() -> None:
    order: list[str] = []

    def noted(server: Counted) -> Work:
        async def once() -> None:
            if order[-1:] != [server.name]:
                order.append(server.name)
            await server.work()

        return Work(server, [once, once])

    works = [noted(Counted("LeFlux", 0.0002)), noted(Counted("peer", 0.0001))]
    samples = await interleaved(works, 2, 0.02)
    assert order == ["LeFlux", "peer", "LeFlux", "peer", "LeFlux"]
    assert [len(taken) for taken in samples] == [2, 2]
    assert samples[0][0].cpu == pytest.approx(200)
    assert samples[1][0].store == pytest.approx(50)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    works = [Work(Counted(name, 0.0), []) for name in ("LeFlux", "peer")]
    mine = [Sample(rate, 10.0, 5.0, 0.1, 0.0) for rate in (100.0, 50.0, 300.0)]
    theirs = [Sample(rate, 20.0, 0.0, 0.1, 0.5) for rate in (200.0, 25.0, 300.0)]
    rows = rates("turn", works, [mine, theirs], "peer")
    assert [(row.subject, row.value, row.ratio) for row in rows] == [("LeFlux", 100.0, 1.0), ("peer", 200.0, None)]
    assert "Redis 5 µs" in rows[0].note
    assert "busy for 0.5 s" in rows[1].note
