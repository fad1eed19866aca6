"""Which site an Origin belongs to (PROTOCOL §2). Pure: nothing is allocated for a host that is not registered."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import idna
from msgspec import Struct

_ORIGIN = re.compile(r"(?:http|https)://(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\,%]+)(?::(\d{1,5}))?", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]\\,%]+)(?::(\d{1,5}))?")
_CACHE = 4096
_HOST_CHARS = 253
"""Longer ones are not worth remembering: nobody has them, and they would fill the memory."""


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """A site as its operator declares it; `config` is free JSON for the widget.

    `message_log`: whether its messages are kept in the permanent log.
    `crawl`: where its first crawl begins, a URL or a path on this very server; None: it is begun by hand.
    """

    id: str
    name: str
    allowed_hosts: list[str]
    subdomains: bool = True
    message_log: bool = True
    crawl: str | None = None
    config: dict[str, Any] = {}


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

    def _search(self, host: str) -> Site | None:
        if site := self._exact.get(host) or self._twins.get(host):
            return site
        if _is_address(host):
            return None
        labels = host.split(".")
        for start in range(1, len(labels)):
            apex = ".".join(labels[start:])
            site = self._exact.get(apex)
            if site is not None and not _is_address(apex):
                return site if site.subdomains else None
        return None


def canonical_host(text: str) -> str | None:
    """A host in lower-case ASCII (IDNA), an address in its shortest form; None when it is neither."""
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


def _is_address(host: str) -> bool:
    return _address(host) is not None
