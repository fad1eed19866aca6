"""The index file serves every query of the backend. The emulator runs any query; the real service refuses without."""

import json
from pathlib import Path
from typing import Any

import pytest

from backends.firestore import FirestoreSettings
from backends.firestore.store import FirestoreStorage
from backends.records import AuditEntry, LogQuery
from tests.contract.kit import LONG, SITE, make_draft, make_entry, say, started
from tests.services.mockfirestore import MockAsyncClient, MockQuery, MockService

CONFIG = Path(__file__).parents[3] / "config"
Needed = tuple[str, frozenset[str], tuple[tuple[str, str], ...]]


class _Recorder(MockAsyncClient):
    """Keeps every query it is asked to run."""

    def __init__(self, service: MockService) -> None:
        super().__init__(service)
        self.queries: list[MockQuery] = []

    def collection(self, path: str) -> MockQuery:
        recorder = self

        class Recorded(MockQuery):
            def found(self) -> Any:
                recorder.queries.append(self)
                return super().found()

        return Recorded(self._service, path)


def _needed(query: MockQuery) -> Needed | None:
    """The composite index a query needs: its collection, the fields compared for equality, then the others in order.

    Equalities alone, and a single field, are served by the indexes that every field has.
    """
    equal = frozenset(field for field, comparison, _ in query.filters if comparison == "==")
    rest = [(field, "CONTAINS") for field, comparison, _ in query.filters if comparison == "array_contains"]
    ranged = {field for field, comparison, _ in query.filters if comparison in ("<", "<=", ">", ">=")}
    if query.order is not None:
        field, descending = query.order
        assert ranged <= {field}
        rest.append((field, "DESCENDING" if descending else "ASCENDING"))
    else:
        rest += [(field, "ASCENDING") for field in ranged]
    if not rest or len(equal) + len(rest) < 2:
        return None
    return query.collection.split("/")[-1], equal, tuple(rest)


def _provided(index: dict[str, Any], equal: int) -> Needed:
    fields = [(field["fieldPath"], field.get("order") or field["arrayConfig"]) for field in index["fields"]]
    return index["collectionGroup"], frozenset(name for name, _ in fields[:equal]), tuple(fields[equal:])


async def _use_everything(storage: FirestoreStorage) -> None:
    sessions, log = storage.sessions, storage.log
    for logged in (False, True):
        ref = await started(storage)
        await say(storage, ref, "red lamp", logged=logged)
        await sessions.append(ref, make_draft("again", "c-1", logged=logged))
        await sessions.restore(ref, 0, 10)
        await sessions.messages(ref, 0, 10)
        await sessions.delete(ref, LONG)
    await started(storage)
    await sessions.sweep({SITE: 0.0}, 10)
    await sessions.deletions(10)
    await sessions.active()
    await sessions.outbox(10)
    await sessions.outbox_size()
    await log.append([make_entry("s-1"), make_entry("s-2")])
    for query in (LogQuery(), LogQuery(start=1, end=2), LogQuery(words="red la"), LogQuery(cursor="5:s-1")):
        await log.sessions(SITE, query)
    await log.continued_by(SITE, "s-1")
    await log.messages(SITE, "s-1", 0, 10)
    assert len([line async for line in log.export(SITE, None, None)]) > 1
    assert [line async for line in log.export(SITE, 0, 1)] == []
    await log.days(SITE, 0, 10)
    await log.delete_session(SITE, "s-1", LONG)
    await log.count_older(SITE, 10)
    await log.delete_older(SITE, 4_000_000_000_000, 10)
    await storage.settings.names("site:")
    await storage.settings.audit(SITE, AuditEntry("ann", "login"))
    await storage.settings.audit_trail(SITE, 10, before=5)


@pytest.mark.parametrize("shared", [True, False])
async def test_every_query_has_its_index_and_no_index_is_unused(shared: bool) -> None:
    recorder = _Recorder(MockService())
    await _use_everything(FirestoreStorage(recorder, FirestoreSettings(), 4.0, log_shares_store=shared))
    needed = {need for query in recorder.queries if (need := _needed(query)) is not None}
    indexes = json.loads((CONFIG / "firestore.indexes.json").read_text())["indexes"]
    provided = {_provided(index, equal) for index in indexes for equal in range(1, len(index["fields"]))}
    assert needed <= provided
    for index in indexes:
        assert any(_provided(index, equal) in needed for equal in range(1, len(index["fields"]))), index


async def test_no_field_that_a_query_uses_alone_is_exempt_from_indexing() -> None:
    recorder = _Recorder(MockService())
    await _use_everything(FirestoreStorage(recorder, FirestoreSettings(), 4.0, log_shares_store=False))
    exempt = {
        (override["collectionGroup"], override["fieldPath"])
        for override in json.loads((CONFIG / "firestore.indexes.json").read_text())["fieldOverrides"]
    }
    for query in recorder.queries:
        if _needed(query) is None:
            fields = {field for field, _, _ in query.filters} | ({query.order[0]} if query.order else set())
            assert not {(query.collection.split("/")[-1], field) for field in fields} & exempt
