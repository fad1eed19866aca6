"""Helpers of the tests of Redis faults."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.errors import StoreUnavailable
from backends.records import Appended, Draft, SessionRef
from backends.redis import RedisSettings
from tests.contract.kit import SITE, decoded, texts
from tests.services.wait import until

PREFIX = "chaos:"
GENEROUS = 30.0
"""Seconds: a deadline that a slow machine does not reach."""


@asynccontextmanager
async def opened(url: str, deadline: float = GENEROUS) -> AsyncIterator[Storage]:
    """A storage whose log shares the store."""
    settings = StoreSettings(backend="redis", options=RedisSettings(url=url, prefix=PREFIX), deadline=deadline)
    storage = await open_storage(settings)
    try:
        yield storage
    finally:
        await storage.close()


async def insist(storage: Storage, ref: SessionRef, draft: Draft) -> Appended:
    """Append as a visitor's browser does: the same message again for as long as the outcome is unknown."""

    async def attempt() -> Appended | None:
        try:
            return await storage.sessions.append(ref, draft)
        except StoreUnavailable:
            return None

    return await until(attempt, "the message is stored", 60.0)


async def answers(storage: Storage) -> bool:
    try:
        await storage.ping()
    except StoreUnavailable:
        return False
    return True


async def logged_texts(storage: Storage, ref: SessionRef) -> list[str]:
    return [decoded(body)["text"] for body in await storage.log.messages(SITE, ref.session_id, 0, 10_000)]


async def has_each_once(storage: Storage, ref: SessionRef, wanted: list[str]) -> bool:
    """Whether session and log hold exactly these texts; False for as long as Redis does not answer."""
    try:
        stored, logged = await texts(storage, ref), await logged_texts(storage, ref)
    except StoreUnavailable:
        return False
    assert stored == wanted
    assert logged == wanted
    return True


def every_read(storage: Storage, ref: SessionRef) -> list[Callable[[], Awaitable[Any]]]:
    """Calls that read the session, for each to be awaited."""
    sessions = storage.sessions
    return [
        lambda: sessions.load(ref),
        lambda: sessions.restore(ref, 0, 10),
        lambda: sessions.messages(ref, 0, 10),
        lambda: sessions.context(ref),
        lambda: sessions.task(ref),
        lambda: sessions.claim(ref, "socket", 0, 10),
    ]
