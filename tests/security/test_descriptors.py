"""A server with 256 descriptors: whoever takes them all, `/health`, the owner and a visitor still get in."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.target import Target, target
from tests.security.wire import connect, request
from tests.services.redis import wait_for

DESCRIPTORS = 256


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target("sqlite", tmp_path_factory.mktemp("descriptors"), descriptors=DESCRIPTORS) as running:
        yield running


def open_files(attacked: Target) -> int:
    return len(list(Path(f"/proc/{attacked.pid}/fd").iterdir()))


def held(attacked: Target, addresses: list[str], count: int, said: bytes) -> list[socket.socket]:
    """Connections that say `said` and no more, as many as are let in."""
    found = []
    for number in range(count):
        client = connect(attacked.port, addresses[number % len(addresses)])
        try:
            client.sendall(said)
        except ConnectionError:
            client.close()
        else:
            found.append(client)
    return found


@pytest.mark.parametrize("said", [b"", b"GET / HT", request("POST", "/api/chat", "Content-Length: 900", body=b"{")])
@pytest.mark.parametrize("addresses", [1, 8])
def test_others_get_in_while_somebody_holds_every_connection(small: Target, said: bytes, addresses: int) -> None:
    session_id = small.session()
    clients = held(small, [small.address() for _ in range(addresses)], 400, said)
    try:
        assert open_files(small) < DESCRIPTORS
        for _ in range(20):
            assert small.call("GET", "/health").status == 200
        assert small.owner("GET", "/sites").status == 200
        assert small.say(session_id, "I am here").status == 200
        with small.socket() as visitor:
            visitor.connect()
            assert visitor.ask("join_session", session_id)["ok"]
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: open_files(small) < DESCRIPTORS // 2, "the descriptors are free again")
