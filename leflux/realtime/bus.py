"""Events and notes between processes over Redis pub/sub. All of them may be lost: the store decides.

`emit` writes to the sockets of this process at once; other processes are told only when none of these sockets holds
the session. Publishing never delays a visitor: messages wait in a bounded queue and are dropped when Redis is away.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import socketio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from leflux.realtime.engine.sio import DirectEmit
from leflux.realtime.notes import GAP, NoteHandler, NoteHandlers

log = structlog.get_logger(__name__)

CHANNEL = "bus"
QUEUE = 10_000
BATCH = 200
TIMEOUT = 3.0
SILENCE = 2.0
RESUBSCRIBE = 0.5
_BETWEEN_PROCESSES = "/~processes"
# uvloop raises `RuntimeError` on a write to a connection that is closing.
AWAY = (RedisError, OSError, TimeoutError, RuntimeError)


class _Json:
    """What python-socketio calls to read a message from the channel."""

    dumps = staticmethod(msgspec.json.encode)
    loads = staticmethod(msgspec.json.decode)


class RedisBus(socketio.AsyncRedisManager, DirectEmit):  # type: ignore[misc]
    """A `client_manager` for several processes, and their `Bus`. `prefix` keeps deployments that share a Redis apart.

    `delivered(session_id, seq)` is called when an event with a `seq` went to a socket of this process. `dropped`
    counts messages that could not be published.
    """

    is_alone = False

    def __init__(self, url: str, prefix: str = "leflux:", delivered: Callable[[str, int], None] | None = None) -> None:
        # The driver must not reconnect by itself: notes that were missed meanwhile would go unnoticed.
        options = {"socket_connect_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0), "retry_on_error": []}
        super().__init__(_as_socketio_reads(url), channel=prefix + CHANNEL, json=_Json, redis_options=options)
        self.prefix = prefix
        self.delivered = delivered
        self._notes = NoteHandlers()
        self.dropped = 0
        self._outgoing: deque[bytes] = deque()
        self._publisher: asyncio.Task[None] | None = None
        self._is_away = False

    def set_server(self, server: Any) -> None:
        super().set_server(server)
        self.json = _Json

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str | None = None,
        room: str | None = None,
        skip_sid: str | list[str] | None = None,
        callback: Any = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        namespace, room = namespace or "/", to or room
        is_here = any(True for _ in self.get_participants(namespace, room))
        await DirectEmit.emit(self, event, data, namespace, room, skip_sid, callback, **kwargs)
        if not is_here and not kwargs.get("ignore_queue"):
            seq = kwargs.get("seq")
            await self._publish(self._message(event, data, namespace, room=room, skip_sid=skip_sid, seq=seq))

    def subscribe(self, kind: str, handler: NoteHandler) -> None:
        """Call `handler(payload)` for each note of this kind that another process tells."""
        self._notes.subscribe(kind, handler)

    async def tell(self, kind: str, payload: dict[str, Any]) -> None:
        """Send a note to the other processes. Notes and events of one process keep their order."""
        await self._publish(self._message(kind, payload, _BETWEEN_PROCESSES))

    def _message(self, event: str, data: Any, namespace: str, **more: Any) -> dict[str, Any]:
        head = {"method": "emit", "host_id": self.host_id, "event": event, "data": data, "namespace": namespace}
        return head | more

    async def _handle_emit(self, message: dict[str, Any]) -> None:
        namespace, event, data = message["namespace"], message["event"], message["data"]
        if namespace != _BETWEEN_PROCESSES:
            room, skipped = message.get("room"), message.get("skip_sid")
            await DirectEmit.emit(self, event, data, namespace, room, skipped, seq=message.get("seq"))
        else:
            await self._notes.heard(event, data)

    async def _publish(self, data: dict[str, Any]) -> None:
        if len(self._outgoing) >= QUEUE:
            self.dropped += 1
            return
        self._outgoing.append(msgspec.json.encode(data))
        if self._publisher is None:
            self._publisher = asyncio.create_task(self._publish_all(), name="bus publisher")

    async def _publish_all(self) -> None:
        try:
            while self._outgoing:
                batch = [self._outgoing.popleft() for _ in range(min(BATCH, len(self._outgoing)))]
                await self._send(batch)
        finally:
            self._publisher = None

    async def _send(self, batch: list[bytes]) -> None:
        try:
            try:
                await self._send_once(batch)
            except (RedisError, OSError, RuntimeError):
                # A connection of the pool may have died with an earlier Redis. Hearing a hint twice is harmless.
                await self._send_once(batch)
        except AWAY as error:
            self.dropped += len(batch)
            self._note_away(error)

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

    def _note_away(self, error: BaseException) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("the bus does not answer; the store will tell", error=repr(error), dropped=self.dropped)

    async def _listen(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async for message in self._subscription():
                    yield message
            except AWAY as error:
                self._note_away(error)
            await asyncio.sleep(RESUBSCRIBE)

    async def _subscription(self) -> AsyncIterator[bytes]:
        pubsub = self.client().pubsub(ignore_subscribe_messages=True)
        try:
            async with asyncio.timeout(TIMEOUT):
                await pubsub.subscribe(self.channel)
            if self._is_away:
                self._is_away = False
                log.info("the bus answers again", dropped=self.dropped)
            await self._notes.heard(GAP, {})
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

    async def close(self) -> None:
        """Send what waits, stop listening, and let go of the connections."""
        if self._publisher is not None:
            await asyncio.wait([self._publisher], timeout=TIMEOUT)
        listener: asyncio.Task[None] | None = getattr(self, "thread", None)
        for task in (listener, self._publisher):
            while task is not None and not task.done():
                # The driver may swallow a cancellation while it connects.
                task.cancel()
                await asyncio.wait([task], timeout=0.5)
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
