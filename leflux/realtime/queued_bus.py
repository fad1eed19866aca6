"""What a bus between processes is, whatever carries it: events and notes that may be lost, because the store decides.

`emit` writes to the sockets of this process at once; other processes are told only when none of these sockets holds
the session. Publishing never delays a visitor: messages wait in a bounded queue and are dropped when the carrier is
away.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import structlog
from socketio.async_pubsub_manager import AsyncPubSubManager

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


class _Json:
    """What python-socketio calls to read a message from the channel."""

    dumps = staticmethod(msgspec.json.encode)
    loads = staticmethod(msgspec.json.decode)


class QueuedBus(AsyncPubSubManager, DirectEmit):  # type: ignore[misc]
    """A `client_manager` for several processes, and their `Bus`. `prefix` keeps deployments apart that share a carrier.

    A subclass gives `_send_once`, `_subscription`, `_disconnect` and the errors that mean that the carrier is away.
    `delivered(session_id, seq)` is called when an event with a `seq` went to a socket of this process. `dropped`
    counts messages that could not be published.
    """

    is_alone = False
    away: tuple[type[BaseException], ...] = (OSError, TimeoutError)

    def start_bus(self, prefix: str, delivered: Callable[[str, int], None] | None) -> None:
        """Set up what this class keeps. The library's constructors take other arguments in each class."""
        self.json = _Json
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
            except self.away:
                # The connection may have died with an earlier carrier. Hearing a hint twice is harmless.
                await self._send_once(batch)
        except self.away as error:
            self.dropped += len(batch)
            self._note_away(error)

    async def _send_once(self, batch: list[bytes]) -> None:
        raise NotImplementedError

    def _note_away(self, error: BaseException) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("the bus does not answer; the store will tell", error=repr(error), dropped=self.dropped)

    async def _listen(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async for message in self._subscription():
                    yield message
            except self.away as error:
                self._note_away(error)
            await asyncio.sleep(RESUBSCRIBE)

    def _subscription(self) -> AsyncIterator[bytes]:
        """The messages of one subscription, until it is lost. It calls `_subscribed` when it stands."""
        raise NotImplementedError

    async def _subscribed(self) -> None:
        """Notes may have been lost until now."""
        if self._is_away:
            self._is_away = False
            log.info("the bus answers again", dropped=self.dropped)
        await self._notes.heard(GAP, {})

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
        await self._disconnect()

    async def _disconnect(self) -> None:
        raise NotImplementedError
