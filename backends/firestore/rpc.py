"""Calls of Firestore's client: each has its own time-out, the driver never retries, and its errors are converted."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, Protocol

from google.api_core import exceptions
from google.cloud.firestore_v1.base_query import FieldFilter
from msgspec import Struct

from backends.errors import StoreUnavailable
from backends.firestore.calls import (
    CONTENTION,
    CallRefused,
    Contended,
    TemporaryFailure,
    Until,
    repeated,
    together,
    translated,
)

SLOW_DEADLINE = 30.0
READ_CHUNK = 300
MAX_OPERATIONS = 480
PARALLEL = 8
Condition = tuple[str, str, Any]


class ReadVersion(Struct, frozen=True):
    """A document as one read saw it; `data` and `version` are None when it is absent."""

    data: dict[str, Any] | None
    version: Any


class Reading(Struct, frozen=True):
    """Documents by path, with the server's time (ms) at which none of them had changed since."""

    documents: dict[str, ReadVersion]
    now: int


class Found(Struct, frozen=True):
    """One hit of a query."""

    path: str
    data: dict[str, Any]


class Writes(Protocol):
    """What a commit sends: the new data of documents (None deletes) and what their read saw."""

    pending: dict[str, dict[str, Any] | None]
    seen: dict[str, ReadVersion]


class Rpc:
    """`prefix` starts the name of every top-level collection; `deadline` (seconds) bounds each call."""

    def __init__(self, client: Any, prefix: str, deadline: float) -> None:
        self._client = client
        self._prefix = prefix
        self.deadline = deadline

    def path(self, *segments: str) -> str:
        """The path of a document or collection of this deployment."""
        return self._prefix + "/".join(segments)

    def until(self, slow: bool = False) -> Until:
        """Now plus the deadline. `slow`: work of many calls, each of which still has the deadline."""
        return Until(max(SLOW_DEADLINE, self.deadline) if slow else self.deadline, self.deadline)

    async def read(self, paths: Iterable[str], until: Until) -> Reading:
        """Read documents as of one moment, in one call. Raises `StoreUnavailable`."""
        return await repeated(lambda: self.read_once(paths, until), until)

    async def read_once(self, paths: Iterable[str], until: Until) -> Reading:
        """The same without a second attempt. Raises `TemporaryFailure` or `StoreUnavailable`."""
        references = [self._client.document(path) for path in paths]
        documents: dict[str, ReadVersion] = {}
        now = 0
        try:
            with translated():
                async for found in self._client.get_all(references, retry=None, timeout=until.left()):
                    data = found.to_dict() if found.exists else None
                    documents[found.reference.path] = ReadVersion(data, found.update_time)
                    now = max(now, _milliseconds(found.read_time))
        except exceptions.Aborted as error:
            raise TemporaryFailure(str(error)) from None
        except CONTENTION as error:
            # A read contends with nothing: there is no such project or database.
            raise CallRefused(str(error)) from None
        if len(documents) != len(references):
            raise TemporaryFailure("the answer was cut short")
        return Reading(documents, now)

    async def commit(self, writes: Writes, until: Until) -> None:
        """Write all or nothing. Raises `Contended`, `TemporaryFailure` or `StoreUnavailable`."""
        batch = self._client.batch()
        try:
            for path, data in writes.pending.items():
                self._stage(batch, path, data, writes.seen.get(path))
        except (TypeError, ValueError) as error:
            raise CallRefused(f"this cannot be stored: {error}") from None
        await self._commit(batch, until)

    async def _commit(self, batch: Any, until: Until) -> None:
        try:
            with translated():
                await batch.commit(retry=None, timeout=until.left())
        except CONTENTION as error:
            raise Contended(str(error)) from None

    def _stage(self, batch: Any, path: str, data: dict[str, Any] | None, seen: ReadVersion | None) -> None:
        reference = self._client.document(path)
        if seen is None:
            if data is None:
                batch.delete(reference)
            else:
                batch.set(reference, data)
        elif seen.data is None:
            if data is not None:
                batch.create(reference, data)
        else:
            unchanged = self._client.write_option(last_update_time=seen.version)
            if data is None:
                batch.delete(reference, option=unchanged)
            else:
                batch.update(reference, data, option=unchanged)

    async def erase(self, paths: Sequence[str], until: Until) -> None:
        """Delete documents, at most 500, whatever is in them. Raises `StoreUnavailable`."""

        async def once() -> None:
            batch = self._client.batch()
            for path in paths:
                batch.delete(self._client.document(path))
            with translated():
                await batch.commit(retry=None, timeout=until.left())

        if paths:
            await repeated(once, until)

    async def amend(self, changes: Mapping[str, dict[str, Any]], until: Until) -> None:
        """Replace fields of documents, all or none. Raises `Contended` when one is gone, or `StoreUnavailable`."""
        batch = self._client.batch()
        for path, fields in changes.items():
            batch.update(self._client.document(path), fields)
        try:
            await self._commit(batch, until)
        except TemporaryFailure as error:
            raise StoreUnavailable(str(error)) from None

    async def erase_all(self, collection: str, until: Until, where: Sequence[Condition], order: str | None) -> int:
        """Delete whatever a query matches; returns how many documents. Raises `StoreUnavailable`."""
        count = 0
        while True:
            hits = await self.find(
                collection, until, where, order, limit=PARALLEL * MAX_OPERATIONS, fields=["__name__"]
            )
            paths = [hit.path for hit in hits]
            chunks = [paths[first : first + MAX_OPERATIONS] for first in range(0, len(paths), MAX_OPERATIONS)]
            await together(self.erase(chunk, until) for chunk in chunks)
            count += len(paths)
            if len(chunks) < PARALLEL:
                return count

    async def find(
        self,
        collection: str,
        until: Until,
        where: Sequence[Condition] = (),
        order: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        fields: Sequence[str] | None = None,
    ) -> list[Found]:
        """Run a query. Raises `StoreUnavailable`."""
        if limit is not None and limit <= 0:
            return []
        query = self._query(collection, where)
        if order is not None:
            query = query.order_by(order, direction="DESCENDING" if descending else "ASCENDING")
        if limit is not None:
            query = query.limit(limit)
        if fields is not None:
            query = query.select(list(fields))

        async def once() -> list[Found]:
            with translated():
                stream = query.stream(retry=None, timeout=until.left())
                return [Found(hit.reference.path, hit.to_dict()) async for hit in stream]

        return await repeated(once, until)

    async def pages(
        self,
        collection: str,
        until: Until | None,
        order: str,
        where: Sequence[Condition] = (),
        fields: Sequence[str] | None = None,
        size: int = READ_CHUNK,
    ) -> AsyncGenerator[list[Found]]:
        """A query of any length, page by page in ascending `order`, which must be unique. None: a deadline a page."""
        after: list[Condition] = []
        while True:
            bound = until if until is not None else self.until()
            page = await self.find(collection, bound, (*where, *after), order, limit=size, fields=fields)
            if page:
                yield page
                after = [(order, ">", page[-1].data[order])]
            if len(page) < size:
                return

    async def count(self, collection: str, until: Until, where: Sequence[Condition] = ()) -> int:
        """How many documents a query matches, counted by the server. Raises `StoreUnavailable`."""

        async def once() -> int:
            with translated():
                answer = await self._query(collection, where).count().get(retry=None, timeout=until.left())
                return int(answer[0][0].value)

        return await repeated(once, until)

    def _query(self, collection: str, where: Sequence[Condition]) -> Any:
        query = self._client.collection(collection)
        for condition in where:
            query = query.where(filter=FieldFilter(*condition))
        return query


def _milliseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
