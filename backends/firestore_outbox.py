"""Log lines that wait for a log elsewhere, each stored in the commit that stores its message."""

from collections.abc import Sequence
from contextlib import suppress

from backends.firestore_docs import document_id, encode, message_id, outbox_rank
from backends.firestore_lane import MAX_OPERATIONS, Unit
from backends.firestore_lines import entry_of
from backends.firestore_rpc import READ_CHUNK, Contended, Rpc, Until
from backends.records import LogEntry


class Outbox:
    """`outbox/{session}:{seq}`; `rank` is the order in which they leave."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._collection = rpc.path("outbox")

    def store(self, unit: Unit, entry: LogEntry) -> None:
        key = _key(entry.session_id, entry.seq)
        rank = outbox_rank(False, entry.ts, entry.session_id, entry.seq)
        unit.put(self._rpc.path("outbox", key), encode(entry) | {"key": key, "rank": rank})

    async def oldest(self, limit: int) -> list[LogEntry]:
        hits = await self._rpc.find(self._collection, self._rpc.until(), order="rank", limit=limit)
        entries = (entry_of(hit.data) for hit in hits)
        return [entry for entry in entries if entry is not None]

    async def done(self, entries: Sequence[LogEntry]) -> None:
        until = self._rpc.until()
        paths = [self._rpc.path("outbox", _key(entry.session_id, entry.seq)) for entry in entries]
        for first in range(0, len(paths), MAX_OPERATIONS):
            await self._rpc.erase(paths[first : first + MAX_OPERATIONS], until)

    async def size(self) -> int:
        return await self._rpc.count(self._collection, self._rpc.until())

    async def erase(self, session_id: str, until: Until) -> int:
        """Drop a session's lines; returns how many there were."""
        count = 0
        while page := await self._rpc.find(
            self._collection, until, self._of(session_id), "key", limit=READ_CHUNK, fields=("key",)
        ):
            await self._rpc.erase([hit.path for hit in page], until)
            count += len(page)
        return count

    async def hurry(self, session_id: str, until: Until) -> None:
        """Let the lines of an evicted session leave before all others."""
        after = f"{document_id(session_id)}:"
        while page := await self._rpc.find(
            self._collection, until, self._of(session_id, after), "key", limit=READ_CHUNK, fields=("key", "ts", "seq")
        ):
            ranks = {hit.path: {"rank": outbox_rank(True, hit.data["ts"], session_id, hit.data["seq"])} for hit in page}
            with suppress(Contended):  # Some have left meanwhile: look again.
                await self._rpc.amend(ranks, until)
                after = page[-1].data["key"]

    @staticmethod
    def _of(session_id: str, after: str = "") -> list[tuple[str, str, str]]:
        first = document_id(session_id)
        return [("key", ">", after or f"{first}:"), ("key", "<", f"{first};")]


def _key(session_id: str, seq: int) -> str:
    return f"{document_id(session_id)}:{message_id(seq)}"
