"""Log lines that wait for a log elsewhere, each stored in the commit that stores its message."""

from collections.abc import Sequence
from contextlib import suppress

from backends.firestore.calls import Contended, Until
from backends.firestore.docs import encode, line_key, lines_of, outbox_rank
from backends.firestore.lines import entry_of
from backends.firestore.rpc import MAX_OPERATIONS, READ_CHUNK, Rpc
from backends.firestore.transaction_queue import Unit
from backends.records import LogEntry


class FirestoreOutbox:
    """`outbox/{session}:{seq}`; `rank` is the order of delivery."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._collection = rpc.path("outbox")

    def store(self, unit: Unit, entry: LogEntry) -> None:
        key = line_key(entry.site_id, entry.session_id, entry.seq)
        rank = outbox_rank(False, entry.ts, key)
        unit.put(self._path(entry), encode(entry) | {"key": key, "rank": rank})

    def _path(self, entry: LogEntry) -> str:
        return self._rpc.path("outbox", line_key(entry.site_id, entry.session_id, entry.seq))

    async def oldest(self, limit: int) -> list[LogEntry]:
        hits = await self._rpc.find(self._collection, self._rpc.until(), order="rank", limit=limit)
        entries = (entry_of(hit.data) for hit in hits)
        return [entry for entry in entries if entry is not None]

    async def done(self, entries: Sequence[LogEntry]) -> None:
        until = self._rpc.until()
        paths = [self._path(entry) for entry in entries]
        for first in range(0, len(paths), MAX_OPERATIONS):
            await self._rpc.erase(paths[first : first + MAX_OPERATIONS], until)

    async def size(self) -> int:
        return await self._rpc.count(self._collection, self._rpc.until())

    async def erase(self, site_id: str, session_id: str, until: Until) -> tuple[int, int]:
        """Drop a session's lines; returns how many there were, and the lowest `seq` among them."""
        count = first = 0
        lines = lines_of(site_id, session_id)
        while hits := await self._rpc.find(
            self._collection, until, lines, "key", limit=MAX_OPERATIONS, fields=("key", "seq")
        ):
            first = first or hits[0].data["seq"]
            await self._rpc.erase([hit.path for hit in hits], until)
            count += len(hits)
            if len(hits) < MAX_OPERATIONS:
                break
        return count, first

    async def hurry(self, site_id: str, session_id: str, until: Until) -> None:
        """Let the lines of an evicted session be delivered before all others."""
        since = 0
        while page := await self._rpc.find(
            self._collection,
            until,
            lines_of(site_id, session_id, since),
            "key",
            limit=READ_CHUNK,
            fields=("key", "ts", "seq"),
        ):
            ranks = {hit.path: {"rank": outbox_rank(True, hit.data["ts"], hit.data["key"])} for hit in page}
            with suppress(Contended):  # Some lines were delivered meanwhile: read again.
                await self._rpc.amend(ranks, until)
                since = page[-1].data["seq"]
