"""Messages of a session by `seq`.

A stored message never changes, so the query for messages and the read of the session need not see the same moment.
Messages that the query lacks are fetched by id, and newer ones are left out.
"""

from collections.abc import Iterable, Mapping

from backends.errors import SessionCorrupt
from backends.firestore.calls import Until
from backends.firestore.docs import document_id, live, message_id
from backends.firestore.rpc import READ_CHUNK, Found, Rpc
from backends.records import SessionRef

Bodies = Mapping[int, bytes]


class Tail:
    """Reads `sessions/{id}/messages`."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def _path(self, ref: SessionRef, *below: str) -> str:
        return self._rpc.path("sessions", document_id(ref.session_id), *below)

    async def newest(self, ref: SessionRef, since: int, limit: int, until: Until) -> Bodies:
        return await self._find(ref, since, limit, until, descending=True)

    async def oldest(self, ref: SessionRef, since: int, limit: int, until: Until) -> Bodies:
        return await self._find(ref, since, limit, until, descending=False)

    async def _find(self, ref: SessionRef, since: int, limit: int, until: Until, descending: bool) -> Bodies:
        path = self._path(ref, "messages")
        after = [("seq", ">", since)]
        return _bodies(await self._rpc.find(path, until, after, "seq", descending=descending, limit=limit))

    async def complete(self, ref: SessionRef, found: Bodies, wanted: range, until: Until) -> list[bytes]:
        """The bodies of all `wanted` seqs, in order. Raises `SessionDeleted` or `SessionNotFound`."""
        bodies = {seq: found[seq] for seq in wanted if seq in found}
        missing = [seq for seq in wanted if seq not in bodies]
        for first in range(0, len(missing), READ_CHUNK):
            paths = [self._path(ref, "messages", message_id(seq)) for seq in missing[first : first + READ_CHUNK]]
            reading = await self._rpc.read(paths, until)
            bodies |= _bodies(Found(path, seen.data or {}) for path, seen in reading.documents.items())
        if len(bodies) < len(wanted):
            await self._explain_loss(ref, until)
        return [bodies[seq] for seq in wanted]

    async def _explain_loss(self, ref: SessionRef, until: Until) -> None:
        """Raise the error of a deletion or an eviction meanwhile, else `SessionCorrupt`."""
        path = self._path(ref)
        reading = await self._rpc.read([path], until)
        live(reading.documents[path].data, ref, reading.now)
        raise SessionCorrupt(ref.session_id)


def _bodies(hits: Iterable[Found]) -> dict[int, bytes]:
    return {
        hit.data["seq"]: hit.data["body"]
        for hit in hits
        if type(hit.data.get("seq")) is int and type(hit.data.get("body")) is bytes
    }
