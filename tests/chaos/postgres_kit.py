"""What the PostgreSQL chaos tests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backends import StoreSettings, open_store
from backends.base import Storage
from backends.postgres import PostgresSettings
from tests.services.postgres import ROLE, PostgresServer

DEADLINE = 30.0


def url_at(port: int) -> str:
    return f"postgresql://{ROLE}@127.0.0.1:{port}/postgres"


def settings_of(url: str, deadline: float = DEADLINE) -> StoreSettings:
    return StoreSettings("postgres", PostgresSettings(url=url), deadline)


@asynccontextmanager
async def opened(server: PostgresServer, deadline: float = DEADLINE, port: int = 0) -> AsyncIterator[Storage]:
    """The store, straight or through a proxy on `port`."""
    storage = await open_store(settings_of(url_at(port or server.port), deadline), log_shares_store=True)
    try:
        yield storage
    finally:
        await storage.close()
