"""The owner's gate: whether a request comes from a page of this very server, and which sign-in it brings."""

import re

from msgspec import Struct

from leflux.gate import Gate, Request
from leflux.owners import Owner, Owners
from leflux.sites import Site

_ORIGIN = re.compile(r"(https?)://([^\s/?#@\\]+)")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_SAME = "same-origin"


class Claim(Struct, frozen=True):
    """What a handshake from a page of this server brings: a sign-in that is still to be checked, and the site that
    the page belongs to, if it is one's.
    """

    secret: str
    site: Site | None


class OwnerGate:
    """`public_url` is where browsers reach this server; behind a proxy, its own name may be another one."""

    def __init__(self, owners: Owners, gate: Gate, public_url: str) -> None:
        self._owners = owners
        self._gate = gate
        self._public_url = public_url
        self._public_origin = _origin(public_url.rstrip("/"))

    def is_secure(self, request: Request) -> bool:
        """Whether the browser's own connection is encrypted."""
        return self._public_url.lower().startswith("https:") or self._gate.is_secure(request)

    def cookie_name(self, request: Request) -> str:
        """Over TLS a name that no other host, and no unencrypted page, can set."""
        return "__Host-leflux" if self.is_secure(request) else "leflux"

    def secret(self, request: Request) -> str | None:
        """The browser's sign-in, as its cookie says."""
        wanted, found = self.cookie_name(request), None
        for pair in ";".join(request.headers.get_list("Cookie")).split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                found = value
        return found or None

    def visited(self, request: Request, site: Site | None) -> Claim | Site | None:
        """A claim when the page is of this server and brings a sign-in; else `site`, to which its host belongs."""
        if not request.headers.get_list("Cookie") or not self._is_own_page(request):
            return site
        secret = self.secret(request)
        return site if secret is None else Claim(secret, site)

    async def holds(self, secret: str) -> Owner | None:
        """The owner of a sign-in, if it still holds. An open socket does not renew its idle time."""
        return await self._owners.holds(secret)

    def _is_own_page(self, request: Request) -> bool:
        """By the Origin, which no page can forge; by `Sec-Fetch-Site` alone where a browser sends no Origin."""
        origins, fetched = request.headers.get_list("Origin"), request.headers.get_list("Sec-Fetch-Site")
        if fetched not in ([], [_SAME]):
            return False
        if not origins:
            return fetched == [_SAME] and request.method == "GET"
        origin = _origin(origins[0]) if len(origins) == 1 else None
        if origin is None or (origin[0] != "https" and self.is_secure(request)):
            return False
        hosts = request.headers.get_list("Host")
        return origin == self._public_origin or (len(hosts) == 1 and origin[1] == _host(origin[0], hosts[0]))


def site_of(visit: Claim | Site | None) -> Site | None:
    """The site that a socket's page belongs to."""
    return visit.site if isinstance(visit, Claim) else visit


def _origin(text: str) -> tuple[str, str] | None:
    """Scheme and host with its port, unless that is the scheme's own."""
    match = _ORIGIN.fullmatch(text.lower())
    return None if match is None else (match[1], _host(match[1], match[2]))


def _host(scheme: str, host: str) -> str:
    return host.strip().lower().removesuffix(_DEFAULT_PORT[scheme])
