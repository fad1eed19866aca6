"""The bus over LISTEN and NOTIFY of PostgreSQL, so that one database alone serves several processes.

A notification has at most 8,000 bytes, so a longer message travels in parts. Those of one batch are one transaction:
they arrive in order, and nothing of another process in between.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from itertools import count

from psycopg import AsyncRawCursor, Error
from socketio.async_pubsub_manager import AsyncPubSubManager

from backends.postgres.connect import Connection, connect, cut, is_usable
from leflux.realtime.queued_bus import CHANNEL, SILENCE, TIMEOUT, QueuedBus

PART = 1_900
"""Characters in one part: each has at most four bytes."""
# A hint need not survive a crash, so its commit waits for no disk.
_NOTIFY = """
SELECT set_config('synchronous_commit', 'off', true), (SELECT count(pg_notify($1, part)) FROM unnest($2::text[]) part)
"""


def split_message(message: bytes, number: int) -> list[str]:
    """The parts: `number.place.count.text`. The number makes one unlike every other: equal ones would become one."""
    text = message.decode()
    parts = [text[first : first + PART] for first in range(0, len(text), PART)]
    return [f"{number}.{place}.{len(parts)}.{part}" for place, part in enumerate(parts)]


class PartReader:
    """Puts messages together. A message of which a part was lost is dropped."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._number = ""

    def read(self, part: str) -> bytes | None:
        """The message that ends with this part."""
        number, place, total, text = part.split(".", 3)
        if place == "0":
            self._parts, self._number = [], number
        if number != self._number or int(place) != len(self._parts):
            return None
        self._parts.append(text)
        return "".join(self._parts).encode() if len(self._parts) == int(total) else None


class PostgresBus(QueuedBus):
    """`QueuedBus` over one database. The URL leads to the server itself: a pooler would lose the subscription."""

    away = (Error, OSError, TimeoutError)

    def __init__(self, url: str, prefix: str = "leflux:", delivered: Callable[[str, int], None] | None = None) -> None:
        name = blake2b(f"{prefix}{CHANNEL}".encode(), digest_size=12).hexdigest()
        AsyncPubSubManager.__init__(self, channel=f"leflux_{name}")
        self.start_bus(prefix, delivered)
        self._url = url
        self._numbers = count(1)
        self._sender: Connection | None = None

    async def _send_once(self, batch: list[bytes]) -> None:
        if self._sender is None or not is_usable(self._sender):
            await self._disconnect()
            self._sender = await connect(self._url, TIMEOUT)
        parts = [part for message in batch for part in split_message(message, next(self._numbers))]
        with _watched(self._sender):
            await AsyncRawCursor(self._sender).execute(_NOTIFY, (self.channel, parts))

    async def _subscription(self) -> AsyncIterator[bytes]:
        connection = await connect(self._url, TIMEOUT, "leflux bus")
        # Parts of two processes do not mix, because those of one transaction arrive together.
        reader = PartReader()
        try:
            with _watched(connection):
                await connection.execute(f"LISTEN {self.channel}".encode())
            await self._subscribed()
            while True:
                is_silent = True
                async for notice in connection.notifies(timeout=SILENCE):
                    is_silent = False
                    message = reader.read(notice.payload)
                    if message is not None:
                        yield message
                if is_silent:
                    # Without traffic the connection may be idle or dead: ask it.
                    with _watched(connection):
                        await connection.execute(b"SELECT 1")
        finally:
            await _let_go(connection)

    async def _disconnect(self) -> None:
        connection, self._sender = self._sender, None
        if connection is not None:
            await _let_go(connection)


@contextmanager
def _watched(connection: Connection) -> Iterator[None]:
    """A statement that has no answer in time ends with an error."""
    watch = asyncio.get_running_loop().call_later(TIMEOUT, cut, connection)
    try:
        yield
    finally:
        watch.cancel()


async def _let_go(connection: Connection) -> None:
    with suppress(Error, OSError):
        await connection.close()
