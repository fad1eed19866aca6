"""Checks of addresses in settings. Each raises `ValueError` with what was expected, and never repeats a password."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

from leflux.common.words import listed, suggestion

_HOST = re.compile(r"[^\s/?#@\\,%*]+")
_EMAIL = re.compile(r"[^\s@<>,;{}]+@[^\s@<>,;{}]+")
_SLASHES = "://"


def check_url(schemes: Iterable[str], example: str) -> Callable[[str], SplitResult]:
    """A check for an address with one of the schemes and a host."""
    known = tuple(schemes)
    expected = f"Expected an address that begins with {listed(scheme + _SLASHES for scheme in known)}"

    def check(text: str) -> SplitResult:
        scheme, slashes, _ = text.partition(_SLASHES)
        if not slashes:
            raise ValueError(f"{expected}, such as {example}; the scheme is missing")
        if scheme.lower() not in known:
            raise ValueError(f"{expected}, such as {example}, got {scheme + _SLASHES!r}{suggestion(scheme, known)}")
        try:
            parts = urlsplit(text)
            # Of a list of servers (Sentinel, Cluster), the driver reads the ports.
            has_wrong_port = "," not in parts.netloc and parts.port == 0
        except ValueError:
            has_wrong_port, parts = True, SplitResult(scheme, "", "", "", "")
        if has_wrong_port:
            raise ValueError(f"{expected}, such as {example}; the port or the brackets are wrong")
        if re.search(r"\s", text):
            raise ValueError(f"{expected}, such as {example}; it contains a blank")
        if not parts.netloc.rpartition("@")[2].partition(":")[0]:
            raise ValueError(f"{expected}, such as {example}; the host is missing")
        return parts

    return check


check_web_address = check_url(["https", "http"], "https://api.example.com/v1")
check_bus = check_url(["redis", "rediss", "redis+sentinel", "postgresql"], "redis://127.0.0.1:6379/0")
_check_public = check_url(["https", "http"], "https://chat.example.com")


def check_public_url(text: str) -> None:
    """The address of this server as browsers see it, without a path: that is `server.base_path`."""
    parts = _check_public(text)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("Expected a scheme and a host only, such as https://chat.example.com")
    if parts.path not in ("", "/"):
        expected = f"Expected no path, got {parts.path!r}"
        raise ValueError(f"{expected}: set `server.base_path: {parts.path.rstrip('/')}` to serve under it")


_BASE_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")


def check_base_path(text: str) -> None:
    """The path under which everything is served; empty: none."""
    if not _BASE_PATH.fullmatch(text):
        raise ValueError(f"Expected a path such as /chat, without a slash at its end, got {text!r}")


def check_start_page(text: str) -> None:
    """Where a crawl begins: a path on this server, or an address."""
    if not (text.startswith("/") and not text.startswith("//") and not re.search(r"\s", text)):
        try:
            check_web_address(text)
        except ValueError:
            raise ValueError(
                f"Expected a path such as /demo/, or an address such as https://www.example.com/, got {text!r}"
            ) from None


def check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"Expected a network or an address, such as 10.0.0.0/8 or 127.0.0.1, got {text!r}") from None


def check_listen_host(text: str) -> None:
    """A name or an address to listen on, without scheme, port or brackets."""
    if is_address(text):
        return
    bare = bare_host(text)
    if not _HOST.fullmatch(text) or bare != text:
        raise ValueError(f"Expected a host or an address without scheme and port, such as {bare}, got {text!r}")


def check_email(text: str) -> None:
    if not _EMAIL.fullmatch(text):
        raise ValueError(f"Expected an email address, such as you@example.com, got {text!r}")


def bare_host(text: str) -> str:
    """What is left of an address without scheme, user, port, path and wildcard; an example when nothing is."""
    netloc = re.split(r"[/?#\s]", text.rpartition(_SLASHES)[2])[0].rpartition("@")[2].removeprefix("*.")
    if netloc.startswith("["):
        netloc = netloc[1:].partition("]")[0]
    elif netloc.count(":") == 1:
        netloc = netloc.partition(":")[0]
    return netloc if is_address(netloc) or _HOST.fullmatch(netloc) else "www.example.com"


def plain_address(url: str) -> str:
    """The URL of a page without its fragment and credentials."""
    try:
        parts = urlsplit(url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    except ValueError:
        return ""


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
