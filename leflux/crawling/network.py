"""Connects to the address that was checked, so that DNS rebinding has no effect.

The check is below the HTTP client, where the connection is made: redirects and retries cannot bypass it.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable

import httpcore

from leflux.crawling.errors import BlockedUrl
from leflux.sites.registry import canonical_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST_PORT = re.compile(r"(\[[^\]]+\]|[^:\[\]]+):(\d{1,5})", re.ASCII)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Addresses that contain another address, or that only local networks use. None is a public web server.
_REFUSED = [
    ipaddress.ip_network(block)
    for block in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "::ffff:0:0:0/96",
        "100::/16",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
]


def is_public(text: str) -> bool:
    """Whether `text` is an IP address of the public internet."""
    try:
        address = _embedded(ipaddress.ip_address(text))
    except ValueError:
        return False
    if any(address in block for block in _REFUSED if block.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped IPv6 address, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _host_and_port(text: str) -> tuple[str | None, int | None]:
    """A host and its port; None: any port."""
    match = _HOST_PORT.fullmatch(text)
    return (canonical_host(match[1].strip("[]")), int(match[2])) if match else (canonical_host(text.strip("[]")), None)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects in one step. `private_hosts` (`host` or `host:port`) may resolve to any address."""

    def __init__(self, private_hosts: Iterable[str]) -> None:
        self._private = {_host_and_port(host) for host in private_hosts}
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect. Raises `BlockedUrl` for a host with an address that is not public."""
        failure: httpcore.ConnectError = httpcore.ConnectError(f"{host} has no address")
        for address in await self.resolve(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    async def resolve(self, host: str, port: int) -> list[str]:
        """The checked addresses of `host`."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self.is_listed(host, port):
            for address in addresses:
                if not is_public(address):
                    raise BlockedUrl(f"{host} resolves to {address}, which is not a public address.")
        return addresses

    def is_listed(self, host: str, port: int) -> bool:
        """Whether `host` is one of the private hosts."""
        name = canonical_host(host)
        return bool(self._private & {(name, None), (name, port)})
