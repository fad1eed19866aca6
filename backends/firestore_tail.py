"""Messages of a session by `seq`. Stored ones never change, so a query and the session's document need not be one read:
what the query missed is fetched by id, and what it saw too early is left out."""

from collections.abc import Iterable, Mapping

from backends.firestore_docs import document_id, message_id
from backends.firestore_rpc import READ_CHUNK, Found, Rpc, Until

Bodies = Mapping[int, bytes]


class Tail:
    """Reads `sessions/{id}/messages`."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def _path(self, session_id: str, *below: str) -> str:
        return self._rpc.path("sessions", document_id(session_id), "messages", *below)

    async def newest(self, session_id: str, since: int, limit: int, until: Until) -> Bodies:
        return await self._find(session_id, since, limit, until, descending=True)

    async def oldest(self, session_id: str, since: int, limit: int, until: Until) -> Bodies:
        return await self._find(session_id, since, limit, until, descending=False)

    async def _find(self, session_id: str, since: int, limit: int, until: Until, descending: bool) -> Bodies:
        after = [("seq", ">", since)]
        path = self._path(session_id)
        return _bodies(await self._rpc.find(path, until, after, "seq", descending=descending, limit=limit))

    async def complete(self, session_id: str, found: Bodies, wanted: range, until: Until) -> list[bytes] | None:
        """The bodies of all `wanted` seqs in order; None when one is not there."""
        bodies = {seq: found[seq] for seq in wanted if seq in found}
        missing = [seq for seq in wanted if seq not in bodies]
        for first in range(0, len(missing), READ_CHUNK):
            paths = [self._path(session_id, message_id(seq)) for seq in missing[first : first + READ_CHUNK]]
            reading = await self._rpc.read(paths, until)
            bodies |= _bodies(Found(path, seen.data or {}) for path, seen in reading.documents.items())
        return [bodies[seq] for seq in wanted] if len(bodies) == len(wanted) else None


def _bodies(hits: Iterable[Found]) -> dict[int, bytes]:
    return {
        hit.data["seq"]: hit.data["body"]
        for hit in hits
        if type(hit.data.get("seq")) is int and type(hit.data.get("body")) is bytes
    }
