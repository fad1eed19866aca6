"""The log lines that wait under each session, and their delivery to a log in the same store.

A site's log is on one node of a cluster and a session on another, so no script can write both. The append writes the
line under the session, in its own atomic step. Then the line is delivered to the log, which recognises it by session
and seq. A log elsewhere works alike: there the server delivers. `Delivery` delivers to a log in the same store soon
after the append, and reads of that log wait for it. A line is removed from the session when the log has it, so after a
crash it may be delivered twice, and the log ignores the second.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress

from backends.errors import StorageError
from backends.records import LogEntry
from backends.redis.errors import is_broken
from backends.redis.index import STRANDED, IndexEntry, SessionIndex
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient
from backends.redis.rows import log_entry
from backends.redis.script import Command, command

BATCH = 200
PAUSE = 0.1
"""Seconds to collect lines before they are delivered: a line alone costs three times as much."""
MAX_READ = 2000


class RedisOutbox:
    """Reads and drops waiting lines."""

    def __init__(self, client: RedisClient, keys: Keys, index: SessionIndex) -> None:
        self._client = client
        self._keys = keys
        self._index = index

    async def waiting(self, limit: int) -> list[LogEntry]:
        """The oldest lines, those of evicted sessions first."""
        if limit <= 0:
            return []
        while hints := (await self._index.lines(limit))[:limit]:
            found = await self._read(hints, limit)
            await self._index.put_aside(hint for hint, lines in zip(hints, found, strict=True) if not lines)
            if entries := _merged(hints, found):
                return entries[:limit]
        return []

    async def _read(self, hints: Sequence[IndexEntry], limit: int) -> list[list[LogEntry]]:
        each = limit if len(hints) * limit <= MAX_READ else max(1, MAX_READ // len(hints))
        reads = [self._first(hint.site_id, hint.session_id, each) for hint in hints]
        replies = await self._client.each(reads)
        return [
            [] if is_broken(reply) else _entries(hint.site_id, hint.session_id, reply)
            for hint, reply in zip(hints, replies, strict=True)
        ]

    def _first(self, site_id: str, session_id: str, limit: int) -> Command:
        return command("ZRANGE", self._keys.outbox(site_id, session_id), 0, limit - 1)

    async def of_sessions(self, names: Sequence[tuple[str, str]], limit: int) -> list[LogEntry]:
        """The oldest lines of each of these sessions, given as site and session."""
        replies = await self._client.all(*(self._first(*name, limit) for name in names))
        return [entry for name, reply in zip(names, replies, strict=True) for entry in _entries(*name, reply)]

    async def drop(self, entries: Sequence[LogEntry]) -> None:
        """Remove lines that the log has stored."""
        by_session: dict[tuple[str, str], list[int]] = {}
        for entry in entries:
            by_session.setdefault((entry.site_id, entry.session_id), []).append(entry.seq)
        removals = [
            command("ZREMRANGEBYSCORE", self._keys.outbox(*name), first, last)
            for name, seqs in by_session.items()
            for first, last in _runs(seqs)
        ]
        await self._client.all(*removals)

    async def size(self) -> int:
        hints = await self._index.lines(1_000_000)
        sessions = {(hint.site_id, hint.session_id) for hint in hints}
        sizes = await self._client.each([command("ZCARD", self._keys.outbox(*name)) for name in sessions])
        return sum(size for size in sizes if not is_broken(size))


def _runs(seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each unbroken run."""
    first = last = -1
    for seq in sorted(seqs):
        if seq != last + 1:
            if last >= 0:
                yield first, last
            first = seq
        last = seq
    if last >= 0:
        yield first, last


def _entries(site_id: str, session_id: str, records: list[bytes]) -> list[LogEntry]:
    found = (log_entry(site_id, session_id, record) for record in records)
    return [entry for entry in found if entry is not None]


def _merged(hints: Sequence[IndexEntry], found: Sequence[list[LogEntry]]) -> list[LogEntry]:
    """By age, those of evicted sessions first, and each once: two hints may name the same session."""
    ordered: list[tuple[bool, int, tuple[str, str, int]]] = []
    entries: dict[tuple[str, str, int], LogEntry] = {}
    for hint, lines in zip(hints, found, strict=True):
        for entry in lines:
            name = (hint.site_id, hint.session_id, entry.seq)
            ordered.append((hint.score != STRANDED, entry.ts, name))
            entries[name] = entry
    return [entries.pop(name) for *_, name in sorted(ordered) if name in entries]


class Delivery:
    """Delivers lines to the log of the same store. `store` is the log's own, idempotent append."""

    def __init__(self, outbox: RedisOutbox, store: Callable[[Sequence[LogEntry]], Awaitable[None]]) -> None:
        self._outbox = outbox
        self._store = store
        self._noticed: set[tuple[str, str]] = set()
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def notice(self, site_id: str, session_id: str) -> None:
        """Deliver a new line soon, together with the lines of other sessions."""
        self._noticed.add((site_id, session_id))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._deliver_noticed())

    async def _deliver_noticed(self) -> None:
        while self._noticed:
            # A read of the log meanwhile delivers by itself.
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._closing.wait()
            names = [self._noticed.pop() for _ in range(min(len(self._noticed), BATCH))]
            try:
                await self._deliver(await self._outbox.of_sessions(names, BATCH))
            except StorageError:
                continue  # The next read of the log or the next sweep delivers them.

    async def _deliver(self, entries: Sequence[LogEntry]) -> None:
        if entries:
            await self._store(entries)
            await self._outbox.drop(entries)

    async def catch_up(self) -> None:
        """Deliver every line that was acknowledged before this call."""
        while entries := await self._outbox.waiting(BATCH):
            await self._deliver(entries)

    async def catch_up_session(self, site_id: str, session_id: str) -> None:
        while entries := await self._outbox.of_sessions([(site_id, session_id)], BATCH):
            await self._deliver(entries)

    async def close(self) -> None:
        self._closing.set()
        if self._task is not None:
            await self._task
