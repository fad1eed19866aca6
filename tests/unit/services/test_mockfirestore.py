"""The adapter over mock-firestore does what the emulator does, in everything that the backend relies on."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from google.api_core.exceptions import AlreadyExists, FailedPrecondition, GoogleAPICallError, NotFound
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.base_query import FieldFilter

from tests.conftest import Services
from tests.services.firestore import emulator, named
from tests.services.mockfirestore import MockAsyncClient, MockService

LIMITS: dict[str, Any] = {"retry": None, "timeout": 30.0}


@pytest.fixture(params=["mock", "emulator"])
async def client(request: pytest.FixtureRequest, services: Services) -> AsyncIterator[Any]:
    if request.param == "mock":
        yield MockAsyncClient(MockService())
        return
    with named(services.get(emulator).address):
        real = AsyncClient(project="leflux")
    yield real
    await real._firestore_api.transport.close()


@pytest.fixture
def top() -> str:
    """A collection that no other test has."""
    return uuid4().hex


async def read(client: Any, path: str) -> Any:
    [found] = [found async for found in client.get_all([client.document(path)], **LIMITS)]
    return found


async def write(client: Any, verb: str, path: str, data: dict[str, Any]) -> None:
    batch = client.batch()
    getattr(batch, verb)(client.document(path), data)
    await batch.commit(**LIMITS)


async def ids(query: Any) -> list[str]:
    return [found.reference.path.split("/")[-1] async for found in query.stream(**LIMITS)]


async def test_an_absent_document_has_no_data_but_a_time(client: Any, top: str) -> None:
    found = await read(client, f"{top}/a")
    assert (found.exists, found.update_time) == (False, None)
    assert found.read_time.timestamp() > 0


async def test_every_write_is_a_new_version_and_times_move_on(client: Any, top: str) -> None:
    versions, times = [], []
    for number in range(3):
        await write(client, "set", f"{top}/a", {"n": number})
        found = await read(client, f"{top}/a")
        versions.append(found.update_time)
        times.append(found.read_time)
    assert len(set(versions)) == 3
    assert times == sorted(times)


async def test_a_refused_write_names_its_reason_and_leaves_its_whole_batch_undone(client: Any, top: str) -> None:
    await write(client, "create", f"{top}/a", {"n": 1})
    first = await read(client, f"{top}/a")
    await write(client, "update", f"{top}/a", {"n": 2})
    unchanged = client.write_option(last_update_time=first.update_time)

    async def refused(kinds: tuple[type[GoogleAPICallError], ...], verb: str, *arguments: Any, **options: Any) -> None:
        batch = client.batch()
        batch.set(client.document(f"{top}/innocent"), {"n": 1})
        getattr(batch, verb)(*arguments, **options)
        with pytest.raises(kinds):
            await batch.commit(**LIMITS)
        assert not (await read(client, f"{top}/innocent")).exists

    taken, absent = client.document(f"{top}/a"), client.document(f"{top}/absent")
    await refused((AlreadyExists,), "create", taken, {"n": 3})
    await refused((FailedPrecondition,), "update", taken, {"n": 3}, option=unchanged)
    await refused((FailedPrecondition,), "delete", taken, option=unchanged)
    await refused((NotFound, FailedPrecondition), "update", absent, {"n": 3})
    assert (await read(client, f"{top}/a")).to_dict() == {"n": 2}


async def test_an_update_keeps_other_fields_and_a_set_drops_them(client: Any, top: str) -> None:
    await write(client, "set", f"{top}/a", {"n": 1, "kept": b"\x00\xff", "map": {"x": 1}})
    await write(client, "update", f"{top}/a", {"n": 2, "map": {"y": 2}})
    assert (await read(client, f"{top}/a")).to_dict() == {"n": 2, "kept": b"\x00\xff", "map": {"y": 2}}
    await write(client, "set", f"{top}/a", {"n": 3})
    assert (await read(client, f"{top}/a")).to_dict() == {"n": 3}


async def test_what_lies_below_a_document_outlives_it(client: Any, top: str) -> None:
    await write(client, "set", f"{top}/a", {"n": 1})
    await write(client, "set", f"{top}/a/below/b", {"n": 2})
    await write(client, "set", f"{top}/a", {"n": 3})
    batch = client.batch()
    batch.delete(client.document(f"{top}/a"))
    batch.delete(client.document(f"{top}/never-there"))
    await batch.commit(**LIMITS)
    assert not (await read(client, f"{top}/a")).exists
    assert await ids(client.collection(f"{top}/a/below")) == ["b"]
    assert await ids(client.collection(top)) == []


async def test_queries_find_order_limit_and_count_alike(client: Any, top: str) -> None:
    values: dict[str, Any] = {"a": 3, "b": 1, "c": None, "d": "text", "e": 2, "f": True}
    for name, value in values.items():
        await write(client, "set", f"{top}/{name}", {"n": value, "words": [name, "all"]})
    await write(client, "set", f"{top}/g", {"other": 1})
    query = client.collection(top)
    assert await ids(query.where(filter=FieldFilter("n", "<=", 3)).order_by("n", direction="ASCENDING")) == [
        "b",
        "e",
        "a",
    ]
    descending = query.where(filter=FieldFilter("n", ">", 0)).order_by("n", direction="DESCENDING")
    assert await ids(descending.limit(2)) == ["a", "e"]
    assert await ids(query.where(filter=FieldFilter("n", "==", "text"))) == ["d"]
    assert await ids(query.where(filter=FieldFilter("words", "array_contains", "b"))) == ["b"]
    counted = await query.where(filter=FieldFilter("words", "array_contains", "all")).count().get(**LIMITS)
    assert counted[0][0].value == 6
