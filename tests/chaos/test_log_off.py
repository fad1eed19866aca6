"""A site whose message log is off: no word of its visitors is in the log's store or on its way there (S14)."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.cloud.firestore import Client

from tests.conftest import Services
from tests.contract.backends import BACKENDS, Place
from tests.server.conftest import Visitor
from tests.server.fleet import configure, serving
from tests.services.firestore import named
from tests.services.wait import until

pytestmark = pytest.mark.xdist_group("firestore")

# Where the sessions are, and where the log is.
PAIRS = [
    ("sqlite", "sqlite"),
    ("redis", "redis"),
    ("firestore", "firestore"),
    ("redis", "firestore"),
    ("sqlite", "redis"),
]


def place_of(backend: str, folder: Path, services: Services) -> Place:
    service = BACKENDS[backend].service
    return Place(folder, uuid4().hex[:12], services.get(service) if service else None)


def section(backend: str, place: Place, part: str) -> dict[str, Any]:
    settings = BACKENDS[backend].settings
    assert settings is not None
    return settings(place, part).section()


def everything(backend: str, place: Place, part: str = "") -> bytes:
    """Every byte that is kept there: of one part, or of all."""
    if backend == "sqlite":
        return b"".join(file.read_bytes() for file in sorted(place.folder.glob(f"{part}*.db*")))
    if backend == "redis":
        place.service.cli("CONFIG", "SET", "rdbcompression", "no")
        names = place.service.cli("--scan", "--pattern", f"{place.tag}:{part}*").splitlines()
        return b"".join(name + place.service.cli("DUMP", name) for name in names if name)
    return _documents(place, part)


def _documents(place: Place, part: str) -> bytes:
    with named(place.service.address):
        client = Client(project="leflux")
    found: list[str] = []

    def walk(collection: Any) -> None:
        for document in collection.list_documents():
            found.append(f"{document.path} {document.get().to_dict()}")
            for nested in document.collections():
                walk(nested)

    try:
        for collection in client.collections():
            if collection.id.startswith(f"{place.tag}-{part}"):
                walk(collection)
    finally:
        client._firestore_api.transport.close()
    return "\n".join(found).encode()


@asynccontextmanager
async def talked(
    folder: Path, state: str, log: str, places: tuple[Place, Place], logged: bool, canary: str
) -> AsyncIterator[Visitor]:
    """A server after a whole conversation, every message of which has the canary in it."""
    site = {"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"], "message_log": logged}
    environment = BACKENDS[state].environment(places[0]) | BACKENDS[log].environment(places[1])
    sections = {"sites": [site], "session": {"idle_ttl": "3s"}}
    store, separate = section(state, places[0], "state"), section(log, places[1], "log")
    server = configure(folder, store, environment, message_log=separate, **sections)
    async with serving(server) as visitor:
        status, answer = await visitor.call("POST", "/api/session/init", {"websiteUrl": "http://shop.test/"})
        assert (status, answer["messageLog"]) == (200, logged)
        session_id = answer["sessionId"]
        socket = await visitor.socket(session_id)
        await socket.wait("session_joined")
        for number in range(3):
            assert (await socket.say(session_id, f"{canary} by socket {number}"))["ok"]
        body = {"sessionId": session_id, "clientMessageId": "c", "message": f"{canary} by http"}
        assert (await visitor.call("POST", "/api/chat", body))[0] == 200
        await until(lambda: canary in str(socket.of("message_done")), "a reply repeats it")
        yield visitor
        await socket.wait("session_expired")
        # SQLite's journal keeps what was until it is written into the file, which is when it is closed at the latest.
        server.signal(signal.SIGTERM)
        assert await server.stopped() == 0


@pytest.mark.parametrize(("state", "log"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
async def test_a_log_that_is_off_holds_no_text(tmp_path: Path, services: Services, state: str, log: str) -> None:
    canary = uuid4().hex[:16]
    places = (place_of(state, tmp_path, services), place_of(log, tmp_path, services))
    async with talked(tmp_path, state, log, places, False, canary):
        assert canary.encode() not in everything(log, places[1], "log")
    # The session is evicted by now. An outbox would have outlived it, so nothing is to be found anywhere.
    assert canary.encode() not in everything(state, places[0])
    assert canary.encode() not in everything(log, places[1])


@pytest.mark.parametrize(("state", "log"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
async def test_a_log_that_is_on_holds_the_text(tmp_path: Path, services: Services, state: str, log: str) -> None:
    """The search of the other test finds what is there."""
    canary = uuid4().hex[:16]
    places = (place_of(state, tmp_path, services), place_of(log, tmp_path, services))
    async with talked(tmp_path, state, log, places, True, canary):
        await until(lambda: canary.encode() in everything(log, places[1], "log"), "the log has it")
