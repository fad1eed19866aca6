"""The Origin check: finds the site of a request before anything is allocated for it."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Protocol

from leflux.common.addresses import is_address
from leflux.protocol import Problem
from leflux.sites.registry import HostNotRegistered, OriginRequired, Site, Sites, origin_host


class Headers(Protocol):
    """A multi-value header map such as Tornado's."""

    def get_list(self, name: str, /) -> list[str]: ...


class Request(Protocol):
    """The part of a request that the check reads."""

    @property
    def method(self) -> str | None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def remote_ip(self) -> str | None: ...


class TrustedProxies:
    """The networks of proxies that say whom a request comes from."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return is_address(address) and any(ipaddress.ip_address(address) in network for network in self._networks)


class OriginGate:
    """Finds the site of a request, and its client's address. `turned_away` hears of pages without a site."""

    def __init__(
        self, sites: Sites, trusted_proxies: Sequence[str], turned_away: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        self._sites = sites
        self._turned_away = turned_away
        self._trusted = TrustedProxies(trusted_proxies)

    def admit(self, request: Request) -> Site:
        """The site of the request. Raises `origin_required` or `host_not_registered`."""
        origins = request.headers.get_list("Origin")
        if len(origins) > 1:
            raise Problem("host_not_registered", "The request names more than one Origin.")
        hosts = request.headers.get_list("Host")
        try:
            return self._sites.find(
                origin=origins[0] if origins else None,
                sec_fetch_site=",".join(request.headers.get_list("Sec-Fetch-Site")),
                method=request.method or "GET",
                host=hosts[0] if len(hosts) == 1 else None,
            )
        except OriginRequired:
            raise Problem("origin_required", "The request has no Origin header.") from None
        except HostNotRegistered:
            raise Problem("host_not_registered", "This page's host is not registered for any site.") from None

    def turn_away(self, request: Request) -> str | None:
        """The Origin of a page whose host belongs to no site, after counting it; None for any other."""
        origins = request.headers.get_list("Origin")
        if len(origins) != 1 or origin_host(origins[0]) is None:
            return None
        if request.method != "OPTIONS":
            self._turned_away(origins[0], self.address(request))
        return origins[0]

    def address(self, request: Request) -> str:
        """The peer's address. Behind trusted proxies: the last address in X-Forwarded-For that is not one."""
        address = request.remote_ip or ""
        if not self._trusted or address not in self._trusted:
            return address
        for hop in reversed(",".join(request.headers.get_list("X-Forwarded-For")).split(",")):
            hop = hop.strip()
            if not is_address(hop):
                return address
            address = hop
            if hop not in self._trusted:
                return address
        return address

    def is_secure(self, request: Request) -> bool:
        """Whether a trusted proxy reports that the browser's connection is encrypted."""
        said = [proto.strip().lower() for proto in ",".join(request.headers.get_list("X-Forwarded-Proto")).split(",")]
        return said[-1] == "https" and (request.remote_ip or "") in self._trusted
