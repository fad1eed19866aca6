"""Whether a request comes from a page of this server, and which sign-in it brings."""

import re

from msgspec import Struct

from leflux.owner.accounts import Account, Accounts
from leflux.sites.origin_gate import OriginGate, Request
from leflux.sites.registry import Site

_ORIGIN = re.compile(r"(https?)://([^\s/?#@\\]+)")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_SAME = "same-origin"
DEVICE = "-device"


class OwnerClaim(Struct, frozen=True):
    """The unchecked sign-in of a socket handshake from a page of this server. `site`: its host's, if it is one's."""

    secret: str
    site: Site | None


class OwnerAccess:
    """`public_url` is where browsers reach this server, which may be a proxy's name."""

    def __init__(self, accounts: Accounts, gate: OriginGate, public_url: str) -> None:
        self._accounts = accounts
        self.gate = gate
        self._public_url = public_url
        self._public_origin = _origin(public_url.rstrip("/"))

    def is_secure(self, request: Request) -> bool:
        """Whether the browser's own connection is encrypted."""
        return self._public_url.lower().startswith("https:") or self.gate.is_secure(request)

    def cookie_name(self, request: Request) -> str:
        """Over TLS a name that no other host, and no unencrypted page, can set."""
        return "__Host-leflux" if self.is_secure(request) else "leflux"

    def secret(self, request: Request) -> str | None:
        """The secret of the browser's sign-in, from its cookie."""
        return _cookie(request, self.cookie_name(request))

    def device(self, request: Request) -> str | None:
        """The cookie that says that this browser has signed in before."""
        return _cookie(request, self.cookie_name(request) + DEVICE)

    def visited(self, request: Request, site: Site | None) -> OwnerClaim | Site | None:
        """A claim when the page is of this server and brings a sign-in; otherwise `site`."""
        if not request.headers.get_list("Cookie") or not self._is_own_page(request):
            return site
        secret = self.secret(request)
        return site if secret is None else OwnerClaim(secret, site)

    async def holds(self, secret: str) -> Account | None:
        """The account of a sign-in that has not ended. An open socket does not renew its idle time."""
        return await self._accounts.holds(secret)

    def _is_own_page(self, request: Request) -> bool:
        """Judged by the Origin, which no page can forge; by `Sec-Fetch-Site` where a browser sends no Origin."""
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


def site_of(visit: OwnerClaim | Site | None) -> Site | None:
    """The site that a socket's page belongs to."""
    return visit.site if isinstance(visit, OwnerClaim) else visit


def _origin(text: str) -> tuple[str, str] | None:
    """Scheme and host with its port, unless that is the scheme's own."""
    match = _ORIGIN.fullmatch(text.lower())
    return None if match is None else (match[1], _host(match[1], match[2]))


def _host(scheme: str, host: str) -> str:
    return host.strip().lower().removesuffix(_DEFAULT_PORT[scheme])


def _cookie(request: Request, wanted: str) -> str | None:
    found = None
    for pair in ";".join(request.headers.get_list("Cookie")).split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            found = value
    return found or None
