"""Finds the site of an Origin (docs/protocol.md#sites). Allocates nothing for a host that is not registered."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

import idna
from msgspec import Meta, Struct

from leflux.common.addresses import bare_host, check_start_page, is_address
from leflux.sites.appearance import Appearance
from leflux.sites.page_context import PageContext
from leflux.sites.secret_kinds import SecretKinds

_ORIGIN = re.compile(r"(?:http|https)://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\,%]+)(?::(\d{1,5}))?", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\,%]+)(?::(\d{1,5}))?")
_CACHE = 4096
_HOST_CHARS = 253
"""Longer hosts are not cached: they are never real and would fill the memory."""


def check_host(text: str) -> None:
    """Raise `ValueError` unless the text is a host without scheme, port and path."""
    if canonical_host(text) is not None:
        return
    reasons = {
        "://": "the scheme is not part of it",
        "/": "the path is not part of it",
        "*": "subdomains are implied (`subdomains: true`)",
        ":": "ports are not part of it",
    }
    reason = next((said for part, said in reasons.items() if part in text), "this is not a host")
    raise ValueError(f"Expected a host such as {bare_host(text)}, got {text!r}; {reason}")


SiteId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z",
        description="at most 63 letters, digits, - and _, a letter or a digit first",
    ),
]
Host = Annotated[str, Meta(extra={"check": check_host})]
StartPage = Annotated[str, Meta(extra={"check": check_start_page})]


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """A site of the configuration.

    `message_log`: whether its messages are kept in the permanent log. `crawl`: where its first crawl begins, a URL or
    a path on this server; None: the owner starts it. `instructions`: how a model speaks for the site, in plain words.
    `context`: what the widget may tell of its pages. `hide`: what is hidden of a visitor's message before it is stored.
    """

    id: SiteId
    name: Annotated[str, Meta(min_length=1)]
    allowed_hosts: Annotated[list[Host], Meta(min_length=1, description="a list with at least one host")]
    subdomains: bool = True
    message_log: bool = True
    crawl: StartPage | None = None
    instructions: Annotated[str, Meta(max_length=4_000)] = ""
    config: Appearance = Appearance()
    context: PageContext = PageContext()
    hide: SecretKinds = ("card", "token")


class OriginRequired(Exception):
    """The request has no Origin header."""


class HostNotRegistered(Exception):
    """No site allows this host, or the Origin is malformed."""


class Sites:
    """Finds sites by host. Raises `ValueError` for two sites that claim one host."""

    def __init__(self, sites: Iterable[Site]) -> None:
        self._exact: dict[str, Site] = {}
        self._twins: dict[str, Site] = {}
        for site in sites:
            for entry in site.allowed_hosts:
                host = canonical_host(entry)
                if host is None:
                    raise ValueError(f"{entry!r} of the site {site.id!r} is not a host")
                if self._exact.setdefault(host, site) is not site:
                    raise ValueError(f"the host {entry!r} belongs to two sites")
        for host, site in self._exact.items():
            twin = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
            self._twins.setdefault(twin, site)
        self._by_host = lru_cache(_CACHE)(self._search)

    def find(self, origin: str | None, sec_fetch_site: str | None, method: str, host: str | None) -> Site:
        """The site of a request. Raises `OriginRequired` or `HostNotRegistered`."""
        if origin is None or origin == "":
            if method != "GET" or sec_fetch_site != "same-origin":
                raise OriginRequired
            match = _HOST.fullmatch(host or "")
        else:
            match = _ORIGIN.fullmatch(origin)
        if match is None or (match[2] is not None and int(match[2]) > 65535):
            raise HostNotRegistered
        name = _canonical(match[1]) if len(match[1]) <= _HOST_CHARS else canonical_host(match[1])
        site = self._by_host(name) if name is not None else None
        if site is None:
            raise HostNotRegistered
        return site

    def has(self, host: str) -> bool:
        """Whether a host, as `canonical_host` gives it, belongs to a site."""
        return self._by_host(host) is not None

    def hosts(self, site_id: str) -> list[str]:
        """The host names of a site. One that begins with a dot stands for all names that end with it."""
        names: list[str] = []
        for host, site in (self._exact | self._twins).items():
            if site.id == site_id:
                name = f"[{host}]" if ":" in host else host
                names += (
                    [name, f".{name}"] if site.subdomains and host in self._exact and not is_address(host) else [name]
                )
        return names

    def _search(self, host: str) -> Site | None:
        if site := self._exact.get(host) or self._twins.get(host):
            return site
        if is_address(host):
            return None
        labels = host.split(".")
        for start in range(1, len(labels)):
            apex = ".".join(labels[start:])
            site = self._exact.get(apex)
            if site is not None and not is_address(apex):
                return site if site.subdomains else None
        return None


def origin_host(origin: str) -> str | None:
    """The host of a well-formed Origin; None for any other text."""
    match = _ORIGIN.fullmatch(origin) if len(origin) <= _HOST_CHARS else None
    return None if match is None else canonical_host(match[1])


def canonical_host(text: str) -> str | None:
    """A host in lower-case ASCII (IDNA), or an address in its shortest form; None for neither."""
    text = text.strip()
    if text.startswith("["):
        return _address(text[1:-1])
    if address := _address(text):
        return address
    text = text.removesuffix(".").lower()
    if not text:
        return None
    if text.isascii():
        labels = text.split(".")
        return text if all(re.fullmatch(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels) else None
    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


_canonical = lru_cache(_CACHE)(canonical_host)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
