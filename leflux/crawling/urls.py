"""Decides which URLs belong to a crawl, and which of them are the same."""

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

from leflux.crawling.errors import BlockedUrl
from leflux.sites.registry import HostNotRegistered, Site, Sites, canonical_host

MAX_URL = 2_000
MAX_SEGMENTS = 16
MAX_REPEATS = 3
DEFAULT_PORTS = {"http": 80, "https": 443}
# Tracking parameters: the page is the same without them.
_TRACKING = re.compile(r"(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|phpsessid|jsessionid|sessionid|sid)", re.IGNORECASE)
_NOT_PAGES = re.compile(
    r"\.(?:7z|atom|avi|bmp|bz2|css|csv|docx?|eot|epub|exe|gif|gz|ico|iso|jar|jpe?g|js|json|m4a|mjs|mov|mp3|mp4|mpe?g"
    r"|odt|ogg|otf|pdf|png|pptx?|rar|rss|svg|swf|tar|tgz|tiff?|ttf|txt|wasm|wav|webm|webp|woff2?|xlsx?|xml|xz|zip)",
    re.IGNORECASE,
)


class Scope:
    """The URLs of one site.

    The host must be one of the site's; the port must be that of the start or the default of the scheme.
    """

    def __init__(self, site: Site, start: str) -> None:
        """Raises `BlockedUrl` when `start` is not a page of the site."""
        self._site = site
        self._sites = Sites([site])
        self._port: int | None = None
        parts = urlsplit(start)
        self._port = _port(start)
        self.start = self.normal(start)
        self.refuse_foreign(self.start)
        self.origin = f"{parts.scheme.lower()}://{urlsplit(self.start).netloc}"

    def normal(self, url: str, base: str = "") -> str:
        """The normal form of a URL, without fragment and tracking. Raises `BlockedUrl` for other than web addresses."""
        try:
            parts = urlsplit(urljoin(base, url.strip()))
            port = parts.port
        except ValueError:
            raise BlockedUrl(f"{url[:200]!r} is not a URL.") from None
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise BlockedUrl(f"{url[:200]!r} is not an http or https URL.")
        if parts.username is not None or parts.password is not None:
            raise BlockedUrl("A URL with a user name or password is not crawled.")
        host = canonical_host(parts.hostname or "")
        if host is None or len(url) > MAX_URL:
            raise BlockedUrl(f"{url[:200]!r} is not a usable URL.")
        netloc = f"[{host}]" if ":" in host else host
        if port is not None and port != DEFAULT_PORTS[scheme]:
            netloc += f":{port}"
        return urlunsplit((scheme, netloc, _path(parts.path), _query(parts.query), ""))

    def refuse_foreign(self, url: str) -> None:
        """Raises `BlockedUrl` for a URL in normal form of another site or port."""
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        host = parts.hostname or ""
        try:
            self._sites.find(f"http://[{host}]" if ":" in host else f"http://{host}", None, "GET", None)
        except HostNotRegistered:
            raise BlockedUrl(f"{host} is not one of the hosts of the site {self._site.id!r}.") from None
        if port not in (self._port, DEFAULT_PORTS[parts.scheme]):
            raise BlockedUrl(f"The port {port} is not the one that the crawl started on.")

    def page(self, url: str, base: str) -> str | None:
        """A link as the URL of a page to visit; None for another site, a file, or a trap."""
        try:
            found = self.normal(url, base)
            self.refuse_foreign(found)
        except BlockedUrl:
            return None
        path = urlsplit(found).path
        segments = [segment for segment in path.split("/") if segment]
        if len(segments) > MAX_SEGMENTS or any(segments.count(segment) > MAX_REPEATS for segment in segments):
            return None
        if segments and _NOT_PAGES.fullmatch(_suffix(segments[-1])):
            return None
        return found


def _port(url: str) -> int | None:
    try:
        parts = urlsplit(url)
        return parts.port or DEFAULT_PORTS.get(parts.scheme.lower())
    except ValueError:
        return None


def _suffix(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""


def _path(path: str) -> str:
    """The path with dots resolved and unsafe characters quoted; `/` for the root."""
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return "/" + re.sub(r"[^!-~]|[\"<>\\^`{|}]", lambda match: _quoted(match[0]), "/".join(kept))


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _query(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0]))
