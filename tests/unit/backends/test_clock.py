"""The clock of the stores in this process runs evenly: a jump of the wall clock ends no session."""

import threading

import pytest
from msgspec import Struct

from backends.clock import EvenClock, now_ms, read_uptime

HOUR = 3600.0


class Machine(Struct):
    """What a process sees of its machine's clocks."""

    wall: float = 1_700_000_000.0
    monotonic: float = 500.0
    uptime: float = 9_000.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds
        self.uptime += seconds

    def clock(self) -> EvenClock:
        return EvenClock(lambda: self.wall, lambda: self.monotonic, lambda: self.uptime)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 90.0, -90.0])
@pytest.mark.parametrize("moves_monotonic", [False, True])
def test_a_jump_of_the_clock_is_not_followed_and_is_told_once(jump: float, moves_monotonic: bool) -> None:
    """Some virtual machines and libfaketime move the monotonic clock too."""
    machine = Machine()
    clock = machine.clock()
    started = clock.now_ms()
    machine.passes(5)
    assert clock.wall_jump() == 0
    machine.wall += jump
    machine.monotonic += jump if moves_monotonic else 0
    assert clock.now_ms() - started == 5_000
    assert clock.wall_jump() == pytest.approx(jump)
    for passed in range(6, 20):
        machine.passes(1)
        assert clock.now_ms() - started == passed * 1000
        assert clock.wall_jump() == 0
    machine.wall -= jump
    assert clock.wall_jump() == pytest.approx(-jump)


def test_the_time_of_a_suspend_counts() -> None:
    machine = Machine()
    clock = machine.clock()
    started = clock.now_ms()
    machine.wall += HOUR
    machine.uptime += HOUR
    machine.passes(1)
    assert clock.now_ms() - started == (HOUR + 1) * 1000
    assert clock.wall_jump() == 0


def test_it_is_as_fine_as_the_monotonic_clock() -> None:
    machine = Machine()
    clock = machine.clock()
    started = clock.now_ms()
    for passed in range(1, 3000):
        machine.wall += 0.001
        machine.monotonic += 0.001
        machine.uptime = 9_000.0 + passed // 10 / 100
        assert abs(clock.now_ms() - started - passed) <= 1


def test_threads_that_meet_a_jump_together_correct_it_once() -> None:
    machine = Machine()
    clock = machine.clock()
    started = clock.now_ms()
    machine.monotonic += HOUR
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(clock.now_ms())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {ms - started for ms in seen} == {0}


def test_the_clock_of_this_process_starts_at_the_wall_clock() -> None:
    assert read_uptime() > 0
    assert now_ms() > 1_700_000_000_000
