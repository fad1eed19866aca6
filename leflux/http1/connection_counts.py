"""How many connections are open, in all and by address, counted from accept to close."""

import os
import resource
from collections import Counter
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

FEW = 4
"""An address with fewer connections than this is still admitted when only the reserve is left."""
RESERVE = 64
OWN_FILES = 48
"""Descriptors that the process itself may still open: stores, log, files that it serves."""
_PREFIX_BITS = 64


@lru_cache(4_096)
def network_of(address: str) -> str:
    """What is counted as one address: an IPv6 /64, or an IPv4 address however it is written."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> _PREFIX_BITS << _PREFIX_BITS)}/{_PREFIX_BITS}"


def descriptors_left() -> int:
    """How many connections this process may hold: what its limit on open files leaves."""
    return max(FEW, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - len(os.listdir("/dev/fd")) - OWN_FILES)


class ConnectionCounts:
    """Admits connections up to `per_address` and `total`. The last of `total` are for addresses that hold few."""

    def __init__(self, per_address: int, total: int) -> None:
        self._per_address = per_address
        self._total = total
        self._reserve = min(RESERVE, total // 4)
        self.by_network: Counter[str] = Counter()
        self.count = 0

    def admit(self, address: str, is_limited: bool) -> bool:
        """Count one more connection, unless there is no room for it. `is_limited`: `per_address` applies."""
        network = network_of(address)
        held = self.by_network[network]
        if self.count >= self._total or (is_limited and held >= self._per_address):
            return False
        if held >= FEW and self.count >= self._total - self._reserve:
            return False
        self.by_network[network] += 1
        self.count += 1
        return True

    def release(self, address: str) -> None:
        network = network_of(address)
        self.count -= 1
        self.by_network[network] -= 1
        if not self.by_network[network]:
            del self.by_network[network]
