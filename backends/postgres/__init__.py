"""PostgreSQL 13 or newer: one database for any number of processes."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from backends.base import Storage
from backends.descriptor import StoreDescriptor

SCHEMES = ("postgresql", "postgres")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def check_url(text: str) -> None:
    """Raise `ValueError` unless the URL has one of the schemes. Never repeats the URL: it has a password."""
    scheme, slashes, _ = text.partition("://")
    if scheme not in SCHEMES:
        got = repr(f"{scheme}://") if slashes else "no scheme"
        raise ValueError(f"Expected a URL that begins with postgresql://, got {got}")
    try:
        path = urlsplit(text).path
    except ValueError:
        path = ""
    if not path.strip("/") or any(letter.isspace() for letter in text):
        raise ValueError("Expected a URL with a database and without blanks, such as postgresql://127.0.0.1/leflux")


def check_schema(text: str) -> None:
    if not _SCHEMA.fullmatch(text) or text.startswith("pg_"):
        raise ValueError("Expected a schema of small letters, digits and underscores, such as leflux")


class PostgresSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A libpq URL, which may name several hosts: the one that takes writes is used. `schema` holds nothing else.

    `connections`: how many a process opens for conversations; it opens two more for the log and the settings.
    """

    url: Annotated[str, Meta(extra={"check": check_url})] = "postgresql://127.0.0.1/leflux"
    schema: Annotated[str, Meta(extra={"check": check_schema})] = "leflux"
    connections: Annotated[int, Meta(ge=1, le=100)] = 3


async def _open(options: PostgresSettings, deadline: float, log_shares_store: bool) -> Storage:
    from backends.postgres.store import open_store

    return await open_store(options, deadline, log_shares_store)


async def _diagnose(options: PostgresSettings, deadline: float) -> list[str]:
    from backends.postgres.durability import diagnose

    return await diagnose(options, deadline)


STORE = StoreDescriptor(PostgresSettings, _open, diagnose=_diagnose)
