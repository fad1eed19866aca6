"""The timer wheel: once each, never early, the newest appointment only."""

import asyncio

import pytest

from leflux.realtime.engine.timer_wheel import NOWHERE, TimerWheel
from tests.services.wait import until

TICK = 0.005


class Item:
    def __init__(self, name: str, log: list[str]) -> None:
        self.slot = NOWHERE
        self._name = name
        self._log = log

    def due(self) -> None:
        self._log.append(self._name)


async def test_items_are_due_once_in_the_order_of_their_delays() -> None:
    log: list[str] = []
    wheel = TimerWheel(TICK, 10 * TICK)
    for name, ticks in (("late", 9), ("early", 2), ("middle", 5)):
        wheel.schedule(Item(name, log), ticks * TICK)
    assert len(wheel) == 3
    await until(lambda: len(log) == 3, "every item is due")
    assert log == ["early", "middle", "late"]
    assert len(wheel) == 0


async def test_a_newer_appointment_replaces_the_older_one() -> None:
    log: list[str] = []
    wheel = TimerWheel(TICK, 10 * TICK)
    moved, last = Item("moved", log), Item("last", log)
    wheel.schedule(moved, 2 * TICK)
    wheel.schedule(moved, 6 * TICK)
    wheel.schedule(last, 9 * TICK)
    assert len(wheel) == 2
    await until(lambda: "last" in log, "the last item is due")
    assert log == ["moved", "last"]


async def test_a_cancelled_item_is_never_due() -> None:
    log: list[str] = []
    wheel = TimerWheel(TICK, 10 * TICK)
    cancelled, kept = Item("cancelled", log), Item("kept", log)
    wheel.schedule(cancelled, 2 * TICK)
    wheel.schedule(kept, 5 * TICK)
    wheel.cancel(cancelled)
    wheel.cancel(cancelled)
    assert len(wheel) == 1
    await until(lambda: bool(log), "the kept item is due")
    assert log == ["kept"]


async def test_a_delay_beyond_the_wheel_is_cut_to_it_and_one_of_nothing_takes_a_tick() -> None:
    log: list[str] = []
    wheel = TimerWheel(TICK, 5 * TICK)
    wheel.schedule(Item("long", log), 1e6)
    wheel.schedule(Item("now", log), 0.0)
    assert log == []
    await until(lambda: len(log) == 2, "both are due")
    assert log == ["now", "long"]


async def test_an_item_may_book_again_while_it_is_due() -> None:
    wheel = TimerWheel(TICK, 10 * TICK)
    count = 0

    class Repeating:
        slot = NOWHERE

        def due(self) -> None:
            nonlocal count
            count += 1
            if count < 5:
                wheel.schedule(self, TICK)

    wheel.schedule(Repeating(), TICK)
    await until(lambda: count == 5, "it was due five times")
    assert len(wheel) == 0


async def test_a_frozen_process_comes_back_to_items_with_their_full_time() -> None:
    """The wheel counts ticks that ran: what a long pause of the loop took is not taken from anyone's time."""
    log: list[str] = []
    wheel = TimerWheel(0.05, 1.0)
    wheel.schedule(Item("peer", log), 0.9)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    frozen_until = loop.time() + 1.2
    while loop.time() < frozen_until:
        pass  # A busy loop, as SIGSTOP would be: nothing else runs.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == []
    await until(lambda: log == ["peer"], "it is due in the end")


async def test_a_stopped_wheel_turns_no_more() -> None:
    log: list[str] = []
    wheel, other = TimerWheel(TICK, 10 * TICK), TimerWheel(TICK, 10 * TICK)
    wheel.schedule(Item("stopped", log), 2 * TICK)
    wheel.stop()
    wheel.stop()
    other.schedule(Item("other", log), 6 * TICK)
    await until(lambda: bool(log), "the other wheel's item is due")
    assert log == ["other"]


@pytest.mark.parametrize("delay", [TICK, 3 * TICK, 3.5 * TICK])
async def test_nothing_is_due_in_the_slot_it_was_booked_in(delay: float) -> None:
    log: list[str] = []
    wheel = TimerWheel(TICK, 10 * TICK)
    item = Item("item", log)
    wheel.schedule(item, delay)
    assert item.slot != NOWHERE
    await until(lambda: log == ["item"], "it is due")
    assert item.slot == NOWHERE
