"""Whether the Content-Security-Policies of a page let a URL of another host be used."""

from collections.abc import Sequence
from urllib.parse import urlsplit

_UPGRADES = {"http": ("http", "https", "ws", "wss"), "https": ("https", "wss"), "ws": ("ws", "wss"), "wss": ("wss",)}
"""Which schemes a source with this scheme stands for."""


def allows(policies: Sequence[str], directive: str, url: str, page: str, nonce: str | None = None) -> bool:
    """Every policy must allow `url` on `page`; `nonce` is that of the script's tag."""
    return all(_allows(policy, directive, url, page, nonce) for policy in policies)


def _allows(policy: str, directive: str, url: str, page: str, nonce: str | None) -> bool:
    rules: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *sources = part.split()[:200] or [""]
        rules.setdefault(name.lower(), sources)
    names = ["script-src-elem", "script-src"] if directive == "script-src" else [directive]
    named = [rules[name] for name in [*names, "default-src"] if name in rules]
    if not named:
        return True
    sources = named[0]
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    if directive == "script-src" and "'strict-dynamic'" in sources:
        return False
    return any(_matches(source, url, page) for source in sources)


def _matches(source: str, url: str, page: str) -> bool:
    target, own = urlsplit(url), urlsplit(page)
    if source == "*":
        return target.scheme in ("http", "https", "ws", "wss")
    if source.lower() == "'self'":
        return target.netloc == own.netloc
    if source.endswith(":"):
        return target.scheme in _UPGRADES.get(source[:-1].lower(), (source[:-1].lower(),))
    if source.startswith("'"):
        return False
    scheme, slashes, rest = source.rpartition("://")
    wanted = scheme.lower() if slashes else own.scheme
    if target.scheme not in _UPGRADES.get(wanted, ()):
        return False
    name, _, port = rest.partition("/")[0].lower().partition(":")
    default = "443" if target.scheme in ("https", "wss") else "80"
    host, actual = target.hostname or "", str(target.port or default)
    return _host_matches(name, host) and (port or default) in ("*", actual)


def _host_matches(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
