"""A database that cannot serve is refused with a sentence, and processes that open one at once do not disturb it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from backends import open_store
from backends.base import Storage
from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.postgres import PostgresSettings, schema
from backends.postgres.durability import diagnose
from backends.postgres.schema import steps
from backends.records import SessionRef
from tests.chaos.postgres_kit import opened, settings_of, url_at
from tests.conftest import Services
from tests.contract.kit import say, started, texts
from tests.services import free_port
from tests.services.postgres import PostgresServer, postgres, running
from tests.services.wait import until

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
async def server(services: Services) -> AsyncIterator[PostgresServer]:
    """The shared server, with a database that the test may spoil."""
    server: PostgresServer = services.get(postgres)
    for statement in ("DROP DATABASE IF EXISTS spoiled WITH (FORCE)", "CREATE DATABASE spoiled"):
        server.ask(statement)
    for statement in ("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN"):
        server.ask(statement)
    yield server
    for statement in ("DROP DATABASE spoiled WITH (FORCE)", "DROP ROLE guest"):
        server.ask(statement)


async def refused(url: str, kind: type[Exception] = StoreMisconfigured) -> str:
    with pytest.raises(kind) as told:
        await open_store(settings_of(url), log_shares_store=True)
    return str(told.value)


async def test_openings_at_once_make_the_tables_once(server: PostgresServer) -> None:
    settings = settings_of(server.url_of("spoiled"))
    storages = await asyncio.gather(*(open_store(settings, log_shares_store=True) for _ in range(8)))
    ref = await started(storages[0])
    for number, storage in enumerate(storages):
        assert (await say(storage, ref, f"text {number}")).seq == number + 1
    for storage in storages:
        await storage.close()
    assert server.ask("SELECT version FROM leflux.versions", "spoiled") == [(len(steps()),)]


async def test_openings_and_an_upgrade_under_traffic_lose_nothing(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(server.url_of("spoiled"))
    storage = await open_store(settings, log_shares_store=True)
    ref = await started(storage)
    is_over = False

    async def write() -> list[str]:
        written: list[str] = []
        while not is_over:
            text = f"text {len(written)}"
            await until_said(storage, ref, text)
            written.append(text)
        return written

    writing = asyncio.create_task(write())
    for _ in range(5):
        await (await open_store(settings, log_shares_store=True)).close()
    # A next version: the functions are made anew while they are called.
    newer = [*steps(), "SELECT 1"]
    monkeypatch.setattr(schema, "steps", lambda: newer)
    for _ in range(5):
        await (await open_store(settings, log_shares_store=True)).close()
    is_over = True
    assert await writing == await texts(storage, ref)
    await storage.close()


async def until_said(storage: Storage, ref: SessionRef, text: str) -> None:
    async def acknowledged() -> bool:
        try:
            return (await say(storage, ref, text, text)).seq > 0
        except StoreUnavailable:
            return False

    await until(acknowledged, f"{text!r} is acknowledged")


async def test_a_role_that_may_not_make_tables_is_told_what_to_run(server: PostgresServer) -> None:
    url = server.url_of("spoiled", "guest")
    assert "CREATE SCHEMA leflux AUTHORIZATION guest" in await refused(url)
    server.ask("CREATE SCHEMA leflux AUTHORIZATION guest", "spoiled")
    storage = await open_store(settings_of(url), log_shares_store=True)
    await storage.ping()
    await storage.close()


async def test_a_role_that_may_not_read_the_tables_is_refused(server: PostgresServer) -> None:
    await (await open_store(settings_of(server.url_of("spoiled")), log_shares_store=True)).close()
    assert "permission denied" in await refused(server.url_of("spoiled", "guest"))


async def test_a_newer_schema_is_refused(server: PostgresServer) -> None:
    url = server.url_of("spoiled")
    await (await open_store(settings_of(url), log_shares_store=True)).close()
    server.ask("UPDATE leflux.versions SET version = 99", "spoiled")
    assert f"written by a newer LeFlux (schema 99; this one knows {len(steps())})" in await refused(url)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("default_transaction_read_only = on", "is read-only for the role"),
        ("synchronous_commit = off", "so a crash loses acknowledged messages"),
    ],
)
async def test_a_database_that_does_not_keep_what_it_is_told_is_refused(
    server: PostgresServer, setting: str, said: str
) -> None:
    server.ask(f"ALTER DATABASE spoiled SET {setting}")
    assert said in await refused(server.url_of("spoiled"))


async def test_what_may_lose_messages_is_diagnosed(server: PostgresServer) -> None:
    server.ask("ALTER DATABASE spoiled SET synchronous_commit = off")
    found = await diagnose(PostgresSettings(url=server.url_of("spoiled")), 30.0)
    assert (
        found
        == [
            "fsync is off: a power failure may damage the database; expected on",
            "synchronous_commit is off: a crash loses acknowledged messages; expected on",
        ]
        or found == found[::-1]
    )


async def test_a_database_of_another_encoding_is_refused(server: PostgresServer) -> None:
    server.ask("CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0")
    try:
        assert "has the encoding LATIN1; expected UTF8" in await refused(server.url_of("latin"))
    finally:
        server.ask("DROP DATABASE latin WITH (FORCE)")


@pytest.mark.parametrize(("database", "role"), [("nowhere", "leflux"), ("postgres", "nobody")])
async def test_a_database_or_role_that_does_not_exist_is_refused(
    server: PostgresServer, database: str, role: str
) -> None:
    assert "does not exist" in await refused(server.url_of(database, role))


async def test_a_server_that_is_not_there_is_unavailable_and_its_password_is_not_told() -> None:
    settings = settings_of(url_at(free_port()).replace("leflux@", "leflux:secret@"), 5.0)
    with pytest.raises(StoreUnavailable) as told:
        await open_store(settings, log_shares_store=True)
    assert "secret" not in str(told.value)
    wrong = replace(settings, options=PostgresSettings(url="postgresql://a:secret@b/c?nonsense=1"))
    with pytest.raises(StoreMisconfigured) as refusal:
        await open_store(wrong, log_shares_store=True)
    assert "secret" not in str(refusal.value)


async def test_the_host_that_takes_writes_is_used() -> None:
    """Of a URL with several hosts, of which one is away and one only reads."""
    with running("-c", "default_transaction_read_only=on") as reading, running() as writing:
        url = f"postgresql://leflux@127.0.0.1:{free_port()},127.0.0.1:{reading.port},127.0.0.1:{writing.port}/postgres"
        storage = await open_store(settings_of(url), log_shares_store=True)
        await started(storage)
        await storage.close()
        async with opened(writing) as storage:
            assert await storage.sessions.active() == 1
