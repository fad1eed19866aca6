"""Guessing is slowed down; nobody is locked out."""

import asyncio

import pytest

from backends.memory.log import MemorySettingsStore
from leflux.common.server_key import ServerKey
from leflux.owner.devices import LIFETIME, Devices
from leflux.owner.throttle import (
    EARNED_EVERY,
    FREE_TRIES,
    FREE_TRIES_ACCOUNT,
    LONGEST_HOLD,
    LONGEST_WAIT,
    HashQueue,
    SignInThrottle,
    network,
)
from leflux.protocol import Problem

EMAIL = "owner@shop.test"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def refused(throttle: SignInThrottle, address: str, device: str | None = None, email: str = EMAIL) -> float:
    """Try once; the seconds to wait, 0 when the try was admitted."""
    try:
        throttle.admit(address, email, device)
    except Problem as problem:
        return float(problem.details["retryAfterMs"]) / 1000
    return 0.0


def test_an_address_waits_longer_after_each_wrong_try_and_never_for_long() -> None:
    clock = Clock()
    throttle = SignInThrottle(clock)
    assert [refused(throttle, "10.0.0.1") for _ in range(FREE_TRIES)] == [0.0] * FREE_TRIES
    waits = []
    for _ in range(12):
        waits.append(wait := refused(throttle, "10.0.0.1"))
        assert wait > 0
        clock.now += wait
        assert refused(throttle, "10.0.0.1") == 0.0
    assert waits[:3] == sorted(waits[:3])
    assert waits[2] > 3 * waits[0]
    assert max(waits) <= LONGEST_WAIT + 0.01


def test_tries_that_were_refused_do_not_make_the_wait_longer() -> None:
    throttle = SignInThrottle(Clock())
    for _ in range(FREE_TRIES):
        refused(throttle, "10.0.0.1")
    assert len({refused(throttle, "10.0.0.1") for _ in range(1_000)}) == 1


def test_an_account_that_everybody_guesses_at_answers_slowly_and_is_never_refused() -> None:
    throttle = SignInThrottle(Clock())
    holds = [throttle.admit(f"10.0.{number // 250}.{number % 250}", EMAIL, None) for number in range(1_000)]
    assert holds[:FREE_TRIES_ACCOUNT] == [0.0] * FREE_TRIES_ACCOUNT
    assert holds == sorted(holds)
    assert 0 < holds[FREE_TRIES_ACCOUNT] < holds[-1] == LONGEST_HOLD


def test_a_browser_that_signed_in_before_is_spared() -> None:
    throttle = SignInThrottle(Clock())
    for number in range(200):
        refused(throttle, "10.0.0.1")
        refused(throttle, f"10.1.0.{number}")
    assert refused(throttle, "10.0.0.1") > 0
    assert throttle.admit("10.0.0.1", EMAIL, "laptop") == 0.0


def test_a_stolen_device_is_a_stranger_after_its_own_wrong_tries() -> None:
    throttle = SignInThrottle(Clock())
    assert [refused(throttle, "10.0.0.1", "laptop") for _ in range(FREE_TRIES)] == [0.0] * FREE_TRIES
    assert throttle.device_in_budget("laptop") is None
    assert throttle.device_in_budget("phone") == "phone"


def test_a_sign_in_with_an_account_of_ones_own_buys_no_guesses() -> None:
    throttle = SignInThrottle(Clock())
    for _ in range(FREE_TRIES - 1):
        refused(throttle, "10.0.0.1")
    assert refused(throttle, "10.0.0.1", email="mine@b.test") == 0.0
    throttle.succeeded("10.0.0.1", "mine@b.test", None)
    assert refused(throttle, "10.0.0.1") == 0.0
    assert refused(throttle, "10.0.0.1") > 0


def test_who_waits_is_believed_again() -> None:
    clock = Clock()
    throttle = SignInThrottle(clock)
    for _ in range(FREE_TRIES):
        refused(throttle, "10.0.0.1")
    clock.now += FREE_TRIES * EARNED_EVERY
    assert [refused(throttle, "10.0.0.1") for _ in range(FREE_TRIES)] == [0.0] * FREE_TRIES


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2:3::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_an_ipv6_network_is_one_address(one: str, other: str, is_same: bool) -> None:
    assert (network(one) == network(other)) == is_same


async def test_the_queue_for_hashes_is_bounded() -> None:
    queue, done = HashQueue(2, 3), asyncio.Event()
    at_work = 0

    async def work() -> None:
        nonlocal at_work
        async with queue.place():
            at_work += 1
            await done.wait()

    crowd = [asyncio.create_task(work()) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert at_work == 2
    with pytest.raises(Problem, match="Too many sign-ins"):
        await work()
    done.set()
    await asyncio.gather(*crowd)
    await work()
    assert at_work == 6


async def test_a_device_is_known_to_its_account_until_it_expires() -> None:
    clock, key = Clock(), ServerKey(MemorySettingsStore())
    devices = Devices(key, clock)
    cookie = await devices.cookie(EMAIL, None)
    device = await devices.known(EMAIL, cookie)
    assert device is not None
    assert await devices.known(EMAIL, await devices.cookie(EMAIL, device)) == device
    assert await devices.known("other@shop.test", cookie) is None
    head, _, signature = cookie.rpartition(".")
    name, _, expires = head.rpartition(".")
    for forged in (
        "",
        ".",
        "..",
        "a.b",
        f"{name}.{int(expires) + 1}.{signature}",
        f"{head}.{'0' * 64}",
        f"{head}.\udcff",
        None,
    ):
        assert await devices.known(EMAIL, forged) is None
    assert await Devices(ServerKey(MemorySettingsStore()), clock).known(EMAIL, cookie) is None
    clock.now += LIFETIME + 1
    assert await devices.known(EMAIL, cookie) is None
