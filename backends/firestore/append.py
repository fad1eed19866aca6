"""Storing a message: `append` of the session store."""

import hashlib
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.firestore.calls import Until
from backends.firestore.docs import SessionDoc, advance, decode, document_id, fence, live, message_id
from backends.firestore.lines import is_stored, store_line, summary_path
from backends.firestore.outbox import FirestoreOutbox
from backends.firestore.rpc import Rpc
from backends.firestore.tail import Tail
from backends.firestore.transaction_queue import TransactionQueues, Unit
from backends.records import MAX_EARLIER, Appended, Draft, Key, LogEntry, SessionRef
from backends.takeover import admitted
from backends.text import log_entry, stamp


class _Continues(Struct, frozen=True):
    """The key is not known here; a session that this one continues may know it."""

    earlier: str


class Appender:
    """`outbox`: where lines wait; None when the log shares the database, and they are stored with their message."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues, tail: Tail, outbox: FirestoreOutbox | None) -> None:
        self._rpc = rpc
        self._queues = queues
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

        def step(asks_earlier: bool, unit: Unit) -> Appended | Key | _Continues:
            document = live(unit.get(path), ref, unit.now)
            if key is not None and (known := unit.get(key)) is not None:
                return _key(known)
            if asks_earlier and document.continues is not None:
                return _Continues(document.continues)
            fence(document, epoch)
            told, document.take_over = admitted(ref, document.take_over, draft, unit.now, document.seq + 1)
            return self._store(unit, document, told, key)

        until = self._rpc.until()
        options = {"operations": 5, "size": 3 * len(draft.body)}
        asks_earlier = key is not None and draft.fingerprint is not None
        result = await self._queues.run(path, partial(step, asks_earlier), reads, until, **options)
        if isinstance(result, _Continues):
            if (repeated := await self._repeated_earlier(ref, draft, result.earlier, until)) is not None:
                return repeated
            result = await self._queues.run(path, partial(step, False), reads, until, **options)
        if isinstance(result, Key):
            repeated = result.repeat(draft)
            [body] = await self._tail.complete(ref, {}, range(result.seq, result.seq + 1), until)
            return replace(repeated, body=body)
        assert isinstance(result, Appended)
        return result

    async def _repeated_earlier(self, ref: SessionRef, draft: Draft, earlier: str, until: Until) -> Appended | None:
        """The message in a session that this one continues, stored or evicted (S25)."""
        for _ in range(MAX_EARLIER):
            path, key = self._path(earlier), self._key_path(earlier, draft.client_message_id)
            assert key is not None
            reading = await self._rpc.read([path, key], until)
            data, known = reading.documents[path].data, reading.documents[key].data
            document = decode(data, SessionDoc, earlier) if data is not None else None
            if document is None or document.site != ref.site_id or not document.knows_keys(reading.now):
                return None
            if known is not None:
                return _key(known).repeat(draft, earlier=earlier)
            if document.continues is None:
                return None
            earlier = document.continues
        return None

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
            self._log(unit, log_entry(document.session(unit.now), draft, seq, ts, body))
        return Appended(draft.id, seq, body, created=True)

    def _log(self, unit: Unit, entry: LogEntry) -> None:
        if self._outbox is not None:
            self._outbox.store(unit, entry)
        elif not is_stored(unit, self._rpc, entry):
            store_line(unit, self._rpc, entry)


def _key(known: dict[str, Any]) -> Key:
    return Key(known["seq"], known["message"], known.get("fingerprint"))
