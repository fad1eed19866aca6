"""Redis: a single server, Sentinel or a cluster."""

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from backends.base import Storage
from backends.descriptor import StoreDescriptor

SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")


def check_url(text: str) -> None:
    """Raise `ValueError` unless the URL has one of the schemes and a host. Never repeats the URL: it has a password."""
    scheme, slashes, _ = text.partition("://")
    if scheme not in SCHEMES:
        got = repr(f"{scheme}://") if slashes else "no scheme"
        raise ValueError(f"Expected a URL that begins with {'://, '.join(SCHEMES)}://, got {got}")
    try:
        netloc = urlsplit(text).netloc
    except ValueError:
        netloc = ""
    if not netloc.rpartition("@")[2].strip() or any(letter.isspace() for letter in text):
        raise ValueError("Expected a URL with a host and without blanks, such as redis://127.0.0.1:6379/0")


def check_prefix(text: str) -> None:
    if {"{", "}"} & set(text):
        raise ValueError("Expected a prefix without braces, which would break the placement on a cluster")


class RedisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`redis://`, `rediss://`, `redis+sentinel://h1:p,h2:p/service/db` or `redis+cluster://h:p`.

    With `wait_replicas`, a message is acknowledged once so many replicas have it, so that a failover loses none.
    """

    url: Annotated[str, Meta(extra={"check": check_url})] = "redis://127.0.0.1:6379/0"
    prefix: Annotated[str, Meta(extra={"check": check_prefix})] = "leflux:"
    wait_replicas: Annotated[int, Meta(ge=0, le=10)] = 0


async def _open(options: RedisSettings, deadline: float, log_shares_store: bool) -> Storage:
    from backends.redis.store import open_store

    return await open_store(options, deadline, log_shares_store)


async def _diagnose(options: RedisSettings, deadline: float) -> list[str]:
    from backends.redis.durability import diagnose

    return await diagnose(options, deadline)


STORE = StoreDescriptor(RedisSettings, _open, diagnose=_diagnose, migrations=())
