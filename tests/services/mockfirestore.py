"""`mock-firestore`, a synchronous store of documents in memory, behind the interface of Google's `AsyncClient`.

The mock keeps the documents. What it lacks or gets wrong is added here, for it is the mock that must behave like
Firestore, never the backend like the mock:

* Its documents hold their subcollections, so deleting a parent deletes them and `set` loses them. Here each
  subcollection is a top-level collection of the mock with a name of its own.
* It has no versions, conditional writes or atomic batches. Here a commit checks every condition, then writes, and
  puts back what it wrote when that fails; nothing else runs in between, so commits are serial.
* Its queries fail on absent and null fields, and sort by the last order only. Here they are evaluated on its documents.

It shares nothing between processes and loses everything with its process: the emulator is what counts.
"""

import asyncio
import operator
from collections.abc import AsyncIterator, Callable, Iterable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud.firestore_v1.base_query import FieldFilter
from mockfirestore import MockFirestore

_SEPARATOR = "|"
_MAX_OPERATIONS = 500
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class MockService:
    """The data, which several clients may share, with the versions that the mock does not keep."""

    def __init__(self) -> None:
        self._mock = MockFirestore()
        self._versions: dict[str, datetime] = {}
        self._clock = datetime.now(UTC)

    def now(self) -> datetime:
        """The server's time; no two calls get the same."""
        self._clock = max(datetime.now(UTC), self._clock + timedelta(microseconds=1))
        return self._clock

    def _document(self, path: str) -> Any:
        collection, _, name = path.rpartition("/")
        return self._mock.collection(collection.replace("/", _SEPARATOR)).document(name)

    def get(self, path: str) -> dict[str, Any] | None:
        if path not in self._versions:
            return None
        data: dict[str, Any] = self._document(path).get().to_dict()
        return data

    def version(self, path: str) -> datetime | None:
        return self._versions.get(path)

    def put(self, path: str, data: dict[str, Any], version: datetime) -> None:
        self._document(path).set(data)
        self._versions[path] = version

    def remove(self, path: str) -> None:
        if path in self._versions:
            self._document(path).delete()
            del self._versions[path]

    def documents(self, collection: str) -> list[tuple[str, dict[str, Any]]]:
        """Paths and data, by id."""
        snapshots = self._mock.collection(collection.replace("/", _SEPARATOR)).stream()
        found = [(f"{collection}/{snapshot.id}", snapshot.to_dict()) for snapshot in list(snapshots)]
        return [(path, data) for path, data in found if path in self._versions]


class MockReference:
    def __init__(self, path: str) -> None:
        self.path = path


class MockSnapshot:
    """A document as a read saw it."""

    def __init__(self, path: str, data: dict[str, Any] | None, version: datetime | None, read_time: datetime) -> None:
        self.reference = MockReference(path)
        self.exists = data is not None
        self.update_time = version
        self.read_time = read_time
        self._data = data

    def to_dict(self) -> dict[str, Any] | None:
        return deepcopy(self._data)


class MockAsyncClient:
    """What the backend uses of `AsyncClient`. Every call first yields to other tasks, as a remote call does."""

    def __init__(self, service: MockService) -> None:
        self._service = service

    def document(self, path: str) -> MockReference:
        return MockReference(path)

    def collection(self, path: str) -> "MockQuery":
        return MockQuery(self._service, path)

    def batch(self) -> "MockBatch":
        return MockBatch(self._service)

    def write_option(self, *, last_update_time: datetime) -> datetime:
        return last_update_time

    async def get_all(
        self, references: Iterable[MockReference], *, retry: None, timeout: float
    ) -> AsyncIterator[MockSnapshot]:
        await asyncio.sleep(0)
        read_time = self._service.now()
        paths = dict.fromkeys(reference.path for reference in references)
        for snapshot in [
            MockSnapshot(path, self._service.get(path), self._service.version(path), read_time) for path in paths
        ]:
            yield snapshot


_Check = Callable[[], None]
_Change = Callable[[datetime], None]


class MockBatch:
    """Writes that are applied all or not at all."""

    def __init__(self, service: MockService) -> None:
        self._service = service
        self._writes: list[tuple[str, _Check, _Change]] = []

    def create(self, reference: MockReference, data: dict[str, Any]) -> None:
        def check() -> None:
            if self._service.version(reference.path) is not None:
                raise AlreadyExists(reference.path)

        self._add(reference.path, check, lambda now: self._service.put(reference.path, deepcopy(data), now))

    def set(self, reference: MockReference, data: dict[str, Any]) -> None:
        self._add(reference.path, lambda: None, lambda now: self._service.put(reference.path, deepcopy(data), now))

    def update(self, reference: MockReference, data: dict[str, Any], option: datetime | None = None) -> None:
        def check() -> None:
            if self._service.version(reference.path) is None:
                raise NotFound(reference.path)
            self._check_unchanged(reference.path, option)

        def change(now: datetime) -> None:
            known = self._service.get(reference.path) or {}
            self._service.put(reference.path, known | deepcopy(data), now)

        self._add(reference.path, check, change)

    def delete(self, reference: MockReference, option: datetime | None = None) -> None:
        self._add(
            reference.path,
            lambda: self._check_unchanged(reference.path, option),
            lambda _: self._service.remove(reference.path),
        )

    def _check_unchanged(self, path: str, version: datetime | None) -> None:
        if version is not None and self._service.version(path) != version:
            raise FailedPrecondition(path)

    def _add(self, path: str, check: _Check, change: _Change) -> None:
        self._writes.append((path, check, change))

    async def commit(self, *, retry: None, timeout: float) -> None:
        await asyncio.sleep(0)
        if len(self._writes) > _MAX_OPERATIONS:
            raise InvalidArgument("too many operations")
        for _, check, _ in self._writes:
            check()
        before = [(path, self._service.get(path), self._service.version(path)) for path, _, _ in self._writes]
        now = self._service.now()
        try:
            for _, _, change in self._writes:
                change(now)
        except BaseException:
            self._put_back(before)
            raise

    def _put_back(self, before: list[tuple[str, dict[str, Any] | None, datetime | None]]) -> None:
        for path, data, version in reversed(before):
            if data is None or version is None:
                self._service.remove(path)
            else:
                self._service.put(path, data, version)


class MockQuery:
    """A query, which like Firestore's finds no document whose field is absent, null or of another type."""

    def __init__(self, service: MockService, collection: str) -> None:
        self._service = service
        self.collection = collection
        self.filters: list[tuple[str, str, Any]] = []
        self.order: tuple[str, bool] | None = None
        self._limit: int | None = None

    def where(self, *, filter: FieldFilter) -> "MockQuery":  # noqa: A002 - the client's name
        return self._with(filters=[*self.filters, (filter.field_path, filter.op_string, filter.value)])

    def order_by(self, field: str, direction: str) -> "MockQuery":
        return self._with(order=(field, direction == "DESCENDING"))

    def limit(self, limit: int) -> "MockQuery":
        return self._with(_limit=limit)

    def select(self, fields: list[str]) -> "MockQuery":
        del fields  # More than was asked for harms nobody.
        return self

    def count(self) -> "MockCount":
        return MockCount(self)

    def _with(self, **changes: Any) -> "MockQuery":
        query = type(self)(self._service, self.collection)
        vars(query).update(vars(self) | changes)
        return query

    async def stream(self, *, retry: None, timeout: float) -> AsyncIterator[MockSnapshot]:
        await asyncio.sleep(0)
        read_time = self._service.now()
        for path, data in self.found():
            yield MockSnapshot(path, data, self._service.version(path), read_time)

    def found(self) -> list[tuple[str, dict[str, Any]]]:
        hits = [hit for hit in self._service.documents(self.collection) if self._matches(hit[1])]
        if self.order is not None:
            field, descending = self.order
            hits = [hit for hit in hits if field in hit[1]]
            hits.sort(key=lambda hit: hit[1][field], reverse=descending)
        return hits if self._limit is None else hits[: self._limit]

    def _matches(self, data: dict[str, Any]) -> bool:
        for field, comparison, value in self.filters:
            have = data.get(field)
            if comparison == "array_contains":
                if not isinstance(have, list) or value not in have:
                    return False
            elif type(have) is not type(value) or not _COMPARISONS[comparison](have, value):
                return False
        return True


class MockCount:
    """A count that the server makes."""

    def __init__(self, query: MockQuery) -> None:
        self._query = query
        self.value = 0

    async def get(self, *, retry: None, timeout: float) -> list[list["MockCount"]]:
        await asyncio.sleep(0)
        self.value = len(self._query.found())
        return [[self]]
