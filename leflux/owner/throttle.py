"""Slows down the guessing of passwords, and bounds the work that it causes. Nobody is ever locked out.

Each source has a budget of wrong tries, an address or a browser that has signed in before. Beyond it, its next try has
to wait, longer each time. An account that many sources guess at answers strangers more slowly. Browsers that have
signed in before are spared: they have a budget and a queue of their own.
"""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from leflux.protocol import Problem

FREE_TRIES = 10
LONGEST_WAIT = 60.0
FREE_TRIES_ACCOUNT = 20
LONGEST_HOLD = 5.0
FIRST_WAIT, FIRST_HOLD = 1.0, 0.25
# Seconds in which a source or an account earns one try back.
EARNED_EVERY = 60.0
SWEEP_EVERY = 60.0
HASHES_AT_ONCE, HASHES_WAITING = 2, 16
HASHES_AT_ONCE_KNOWN, HASHES_WAITING_KNOWN = 1, 8


class Tries:
    """Counts tries by key. A count falls by one in `EARNED_EVERY` seconds."""

    def __init__(self, free: int, first: float, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._first = first
        self._longest = longest
        self._clock = clock
        # By key: the count at a moment, and that moment.
        self._counts: dict[str, tuple[float, float]] = {}
        self._sweep_at = clock() + SWEEP_EVERY

    def wait(self, key: str) -> float:
        """Seconds that the next try of `key` has to wait, from its last one on."""
        beyond = round(self.count(key)) - self._free
        if beyond < 0:
            return 0.0
        last = self._counts[key][1]
        delay = min(self._first * 2.0 ** min(beyond, 30), self._longest)
        return max(0.0, last + delay - self._clock())

    def delay(self, key: str) -> float:
        """Seconds by which an answer to `key` is slowed down, whenever it comes."""
        beyond = round(self.count(key)) - self._free
        return 0.0 if beyond < 0 else min(self._first * 2.0 ** min(beyond, 30), self._longest)

    def count(self, key: str) -> float:
        count, at = self._counts.get(key, (0.0, 0.0))
        return max(0.0, count - (self._clock() - at) / EARNED_EVERY)

    def add(self, key: str) -> None:
        now = self._clock()
        if now >= self._sweep_at:
            self._counts = {known: pair for known, pair in self._counts.items() if self.count(known) > 0}
            self._sweep_at = now + SWEEP_EVERY
        self._counts[key] = (self.count(key) + 1, now)

    def undo(self, key: str) -> None:
        """Take back one try, which was a right one."""
        if key in self._counts:
            self._counts[key] = (max(0.0, self.count(key) - 1), self._clock())


class HashQueue:
    """At most so many hashes at work in threads and so many callers waiting; one more is `rate_limited`."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        if self._inside >= self._most:
            raise Problem("rate_limited", "Too many sign-ins at once. Try again shortly.", retryAfterMs=1_000)
        self._inside += 1
        try:
            async with self._places:
                yield
        finally:
            self._inside -= 1


class SignInThrottle:
    """What a try to sign in has to pass. `device`: the browser, when it has signed in to this account before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = Tries(FREE_TRIES, FIRST_WAIT, LONGEST_WAIT, clock)
        self._accounts = Tries(FREE_TRIES_ACCOUNT, FIRST_HOLD, LONGEST_HOLD, clock)
        self._strangers = HashQueue(HASHES_AT_ONCE, HASHES_WAITING)
        self._known = HashQueue(HASHES_AT_ONCE_KNOWN, HASHES_WAITING_KNOWN)

    def device_in_budget(self, device: str | None) -> str | None:
        """The device, unless it has used up its own tries: then it counts as any stranger."""
        if device is None or round(self._sources.count(f"device {device}")) >= FREE_TRIES:
            return None
        return device

    def admit(self, address: str, email: str, device: str | None) -> float:
        """Count a try; the seconds by which to hold it. Raises `rate_limited` while its source has to wait.

        The try is counted before it is known to be wrong, so that tries at the same time cannot all be the first.
        """
        source = _source(address, device)
        if (wait := self._sources.wait(source)) > 0:
            raise Problem("rate_limited", "Too many tries. Try again shortly.", retryAfterMs=round(wait * 1000) + 1)
        self._sources.add(source)
        if device is not None:
            return 0.0
        hold = self._accounts.delay(email)
        self._accounts.add(email)
        return hold

    def succeeded(self, address: str, email: str, device: str | None) -> None:
        """Take the try back. The wrong ones still count: nobody buys new guesses with an account of their own."""
        self._sources.undo(_source(address, device))
        if device is None:
            self._accounts.undo(email)

    @asynccontextmanager
    async def hashing(self, is_known: bool) -> AsyncIterator[None]:
        """A place at the hashing. Raises `rate_limited`."""
        async with (self._known if is_known else self._strangers).place():
            yield


def _source(address: str, device: str | None) -> str:
    return f"address {network(address)}" if device is None else f"device {device}"


def network(address: str) -> str:
    """What counts as one address: an IPv6 network of 64 bits belongs to one subscriber."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
