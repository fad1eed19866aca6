"""The bus over Redis pub/sub, and the choice of the carrier by the URL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import socketio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from leflux.realtime.queued_bus import CHANNEL, SILENCE, TIMEOUT, QueuedBus

# uvloop raises `RuntimeError` on a write to a connection that is closing.
AWAY = (RedisError, OSError, TimeoutError, RuntimeError)


def open_bus(url: str, prefix: str, delivered: Callable[[str, int], None] | None = None) -> QueuedBus:
    """The bus of a URL that `check_bus` has taken. It connects when it is used."""
    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        return RedisBus(url, prefix, delivered)
    # Its driver is an extra.
    from leflux.realtime.postgres_bus import PostgresBus

    return PostgresBus(url, prefix, delivered)


class RedisBus(QueuedBus, socketio.AsyncRedisManager):  # type: ignore[misc]
    """`QueuedBus` over the pub/sub of one Redis."""

    away = AWAY

    def __init__(self, url: str, prefix: str = "leflux:", delivered: Callable[[str, int], None] | None = None) -> None:
        # The driver must not reconnect by itself: notes that were missed meanwhile would go unnoticed.
        options = {"socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0), "retry_on_error": []}
        socketio.AsyncRedisManager.__init__(
            self, _as_socketio_reads(url), channel=prefix + CHANNEL, redis_options=options
        )
        self.start_bus(prefix, delivered)

    async def _send_once(self, batch: list[bytes]) -> None:
        async with asyncio.timeout(TIMEOUT):
            pipeline = self.client().pipeline(transaction=False)
            for message in batch:
                pipeline.publish(self.channel, message)
            await pipeline.execute()

    def client(self) -> Any:
        """The connections to the bus's Redis."""
        if self.redis is None:
            self._redis_connect()
        return self.redis

    async def _subscription(self) -> AsyncIterator[bytes]:
        pubsub = self.client().pubsub(ignore_subscribe_messages=True)
        try:
            async with asyncio.timeout(TIMEOUT):
                await pubsub.subscribe(self.channel)
            await self._subscribed()
            asked = False
            while True:
                message = await pubsub.get_message(timeout=SILENCE)
                if message is None:
                    # Without traffic the connection may be idle or dead: ping it.
                    if asked:
                        raise TimeoutError("no answer to a ping")
                    async with asyncio.timeout(TIMEOUT):
                        await pubsub.ping()
                asked = message is None
                if message is not None and message["type"] == "message":
                    yield message["data"]
        finally:
            await pubsub.aclose()

    async def _disconnect(self) -> None:
        if self.redis is not None:
            await self.redis.aclose()
            await self.redis.connection_pool.disconnect()


def _as_socketio_reads(url: str) -> str:
    """In a Sentinel URL, ours names the service before the database, python-socketio after it."""
    parts = urlsplit(url)
    if not parts.scheme.endswith("+sentinel"):
        return url
    service, _, database = parts.path.strip("/").partition("/")
    return parts._replace(path=f"/{database or 0}/{service}").geturl()
