"""Storing a message: `append` of the session store."""

import hashlib
from typing import Any

from msgspec import Struct

from backends.errors import DuplicateIdConflict
from backends.firestore_docs import SessionDoc, advance, document_id, fence, live, message_id
from backends.firestore_lane import Lanes, Unit
from backends.firestore_lines import is_stored, store_line, summary_path
from backends.firestore_outbox import Outbox
from backends.firestore_rpc import Rpc
from backends.firestore_tail import Tail
from backends.records import Appended, Draft, LogEntry, SessionRef, log_entry
from backends.text import stamp


class _Repeat(Struct, frozen=True):
    seq: int
    message: str


class Appender:
    """`outbox`: where lines wait; None when the log shares the database, and they are stored with their message."""

    def __init__(self, rpc: Rpc, lanes: Lanes, tail: Tail, outbox: Outbox | None) -> None:
        self._rpc = rpc
        self._lanes = lanes
        self._tail = tail
        self._outbox = outbox

    def _path(self, session_id: str, *below: str) -> str:
        return self._rpc.path("sessions", document_id(session_id), *below)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        path = self._path(ref.session_id)
        key = self._key_path(ref.session_id, draft.client_message_id)
        reads = [] if key is None else [key]
        if draft.logged and self._outbox is None:
            reads.append(summary_path(self._rpc, ref.site_id, ref.session_id))

        def step(unit: Unit) -> Appended | _Repeat:
            document = live(unit.get(path), ref, unit.now)
            if key is not None and (known := unit.get(key)) is not None:
                return _repeat(known, draft)
            fence(document, epoch)
            return self._store(unit, document, draft, key)

        until = self._rpc.until()
        result = await self._lanes.run(path, step, reads, until, operations=5, size=3 * len(draft.body))
        if isinstance(result, Appended):
            return result
        [body] = await self._tail.complete(ref, {}, range(result.seq, result.seq + 1), until)
        return Appended(result.message, result.seq, body, created=False)

    def _key_path(self, session_id: str, client_message_id: str | None) -> str | None:
        if client_message_id is None:
            return None
        digest = hashlib.sha256(client_message_id.encode("utf-8", "surrogatepass")).hexdigest()
        return self._path(session_id, "keys", digest)

    def _store(self, unit: Unit, document: SessionDoc, draft: Draft, key: str | None) -> Appended:
        seq = document.seq + 1
        ts = max(unit.now, document.last_ts)
        body = stamp(draft.body, seq, ts)
        advance(document, draft, seq, ts)
        unit.put(self._path(document.id), document.encode())
        unit.put(self._path(document.id, "messages", message_id(seq)), {"seq": seq, "body": body})
        if key is not None:
            unit.put(key, {"seq": seq, "message": draft.id, "fingerprint": draft.fingerprint})
        if draft.logged:
            self._log(unit, log_entry(document.session(), draft, seq, ts, body))
        return Appended(draft.id, seq, body, created=True)

    def _log(self, unit: Unit, entry: LogEntry) -> None:
        if self._outbox is not None:
            self._outbox.store(unit, entry)
        elif not is_stored(unit, self._rpc, entry):
            store_line(unit, self._rpc, entry)


def _repeat(known: dict[str, Any], draft: Draft) -> _Repeat:
    if draft.fingerprint is not None and draft.fingerprint != known.get("fingerprint"):
        raise DuplicateIdConflict(draft.client_message_id)
    return _Repeat(known["seq"], known["message"])
