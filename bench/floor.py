"""The cost of Firestore's own client for the operations of our driver, on the same documents.

It has no fence, no idempotency and no retry. What grows with the length of a session grows in the server, mostly in
the emulator.
"""

import asyncio
from typing import Any
from uuid import uuid4

from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.base_query import FieldFilter

AT_ONCE = 400
_BODY = b'{"seq":1,"ts":1700000000000,"id":"%b","role":"visitor","text":"How long does it take until a lamp arrives?"}'


class Floor:
    """Sessions of plain documents. An append and a restore read and write as many of them as the driver does."""

    def __init__(self) -> None:
        self._client = AsyncClient(project="bench", credentials=AnonymousCredentials())
        self._seqs: dict[int, int] = {}
        self._run = uuid4().hex[:8]

    def _session(self, length: int) -> Any:
        return self._client.document(f"floor/{self._run}-{length}")

    async def fill(self, length: int) -> None:
        await self._session(length).set({"seq": length})
        for start in range(0, length, AT_ONCE):
            batch = self._client.batch()
            for seq in range(start + 1, min(start + AT_ONCE, length) + 1):
                batch.set(self._message(length, seq), _message(seq))
            await batch.commit()
        self._seqs[length] = length

    def _message(self, length: int, seq: int) -> Any:
        return self._session(length).collection("messages").document(f"{seq:012d}")

    async def append(self, length: int) -> None:
        """Read the session and the idempotency key; write both and the message."""
        session = self._session(length)
        key = session.collection("keys").document(uuid4().hex)
        _ = [found async for found in self._client.get_all([session, key])]
        self._seqs[length] += 1
        seq = self._seqs[length]
        batch = self._client.batch()
        batch.set(session, {"seq": seq})
        batch.create(self._message(length, seq), _message(seq))
        batch.create(key, {"seq": seq})
        await batch.commit()

    async def restore(self, length: int, tail: int) -> None:
        """Read the session, and the newest messages by the same query."""
        query = self._session(length).collection("messages").where(filter=FieldFilter("seq", ">", 0))
        newest = query.order_by("seq", direction="DESCENDING").limit(tail)
        await asyncio.gather(_drained(self._client.get_all([self._session(length)])), _drained(newest.stream()))

    async def restore_by_id(self, length: int, tail: int) -> None:
        """Read the same messages by name, without a query."""
        last = self._seqs[length]
        wanted = [self._message(length, seq) for seq in range(max(1, last - tail + 1), last + 1)]
        await _drained(self._client.get_all([self._session(length), *wanted]))

    def close(self) -> None:
        self._client.close()


def _message(seq: int) -> dict[str, Any]:
    return {"seq": seq, "body": _BODY % uuid4().hex.encode()}


async def _drained(stream: Any) -> None:
    async for _ in stream:
        pass
