"""Connects to the very address that was checked, so that no name can be re-pointed in between (FAULTS: rebinding).

The check sits below the HTTP client, where the connection is made: no redirect and no retry can go around it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpcore

from leflux.crawling.errors import BlockedUrl
from leflux.sites import canonical_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Addresses that carry another one inside, or that only a local network gives out: never a public web server's.
_REFUSED = [
    ipaddress.ip_network(block)
    for block in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
    )
]


def is_public(text: str) -> bool:
    """Whether `text`, an IP address, belongs to the public internet."""
    try:
        address = _embedded(ipaddress.ip_address(text))
    except ValueError:
        return False
    if any(address in block for block in _REFUSED if block.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded(address: Address) -> Address:
    """An IPv4 address in IPv6 clothes is judged as what it is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects in one go. `private_hosts` may resolve to any address."""

    def __init__(self, private_hosts: Iterable[str]) -> None:
        self._private = {canonical_host(host) for host in private_hosts}
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `BlockedUrl` for a host that resolves, also in part, to an address that is not public."""
        failure: httpcore.ConnectError = httpcore.ConnectError(f"{host} has no address")
        for address in await self.resolve(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, each of them checked."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if canonical_host(host) not in self._private:
            for address in addresses:
                if not is_public(address):
                    raise BlockedUrl(f"{host} resolves to {address}, which is not a public address.")
        return addresses
