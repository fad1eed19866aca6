"""Firestore dies, hangs or holds damaged documents: rules G1 and G2."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.errors import SessionCorrupt, SessionDeleted, StoreMisconfigured, StoreUnavailable
from backends.firestore import FirestoreSettings
from backends.records import AuditEntry, LogQuery, NewSession, SessionRef
from tests.chaos.firestore_kit import documents, opened
from tests.conftest import Services
from tests.contract.kit import (
    LONG,
    SITE,
    logged,
    make_draft,
    make_entry,
    make_ref,
    make_task,
    say,
    started,
    texts,
    until,
)
from tests.services import free_port
from tests.services.firestore import ENVIRONMENT, Emulator, emulator, named

pytestmark = pytest.mark.xdist_group("firestore")
DEADLINE = 4.0
GENEROUS = 30.0
"""Seconds after which a call that ought to have ended counts as hanging."""

CALLS: dict[str, Callable[[Storage, SessionRef], Awaitable[object]]] = {
    "create": lambda storage, ref: storage.sessions.create(make_ref(), NewSession()),
    "load": lambda storage, ref: storage.sessions.load(ref),
    "restore": lambda storage, ref: storage.sessions.restore(ref, 0, 10),
    "claim": lambda storage, ref: storage.sessions.claim(ref, "socket", 0, 10),
    "append": lambda storage, ref: say(storage, ref),
    "messages": lambda storage, ref: storage.sessions.messages(ref, 0, 10),
    "set_context": lambda storage, ref: storage.sessions.set_context(ref, b"{}"),
    "swap_task": lambda storage, ref: storage.sessions.swap_task(ref, make_task(), 0),
    "lease": lambda storage, ref: storage.sessions.lease(ref, "worker", LONG),
    "delete": lambda storage, ref: storage.sessions.delete(ref, LONG),
    "sweep": lambda storage, ref: storage.sessions.sweep({SITE: LONG}, 10),
    "active": lambda storage, ref: storage.sessions.active(),
    "outbox": lambda storage, ref: storage.sessions.outbox(10),
    "log.append": lambda storage, ref: storage.log.append([make_entry("s-1")]),
    "log.sessions": lambda storage, ref: storage.log.sessions(SITE, LogQuery(words="lamp")),
    "log.days": lambda storage, ref: storage.log.days(SITE, 0, 10),
    "log.delete_session": lambda storage, ref: storage.log.delete_session(SITE, "s-1", LONG),
    "log.delete_older": lambda storage, ref: storage.log.delete_older(SITE, 10, 10),
    "settings.get": lambda storage, ref: storage.settings.get("name"),
    "settings.put": lambda storage, ref: storage.settings.put("name", b"{}", 0),
    "settings.audit": lambda storage, ref: storage.settings.audit(SITE, AuditEntry("ann", "login")),
    "ping": lambda storage, ref: storage.ping(),
}


@pytest.fixture
def mortal() -> Iterator[Emulator]:
    """An emulator of this test's own, which it may kill."""
    with emulator() as running:
        yield running


async def _fails(storage: Storage, ref: SessionRef) -> None:
    """Every call ends, and as `StoreUnavailable`."""

    async def one(name: str) -> None:
        async with asyncio.timeout(GENEROUS):
            with pytest.raises(StoreUnavailable):
                await CALLS[name](storage, ref)

    await asyncio.gather(*(one(name) for name in CALLS))


async def test_a_killed_emulator_fails_every_call_and_a_restarted_one_serves_again(mortal: Emulator) -> None:
    async with opened(mortal.address, "", DEADLINE) as storage:
        ref = await started(storage)
        await say(storage, ref)
        mortal.kill()
        await _fails(storage, ref)
        mortal.start()

        async def answers() -> bool:
            try:
                await storage.ping()
            except StoreUnavailable:
                return False
            return True

        await until(answers, "the storage finds the new emulator")
        fresh = await started(storage)
        assert (await say(storage, fresh, "after")).seq == 1
        assert await texts(storage, fresh) == ["after"]


async def test_a_frozen_emulator_fails_every_call_and_a_retry_after_it_thaws_is_stored_once(mortal: Emulator) -> None:
    async with opened(mortal.address, "", DEADLINE) as storage:
        ref = await started(storage)
        draft = make_draft("once", "c-1")
        mortal.signal(signal.SIGSTOP)
        with pytest.raises(StoreUnavailable):
            await storage.sessions.append(ref, draft)
        await _fails(storage, make_ref())
        mortal.signal(signal.SIGCONT)

        async def stored() -> bool:
            try:
                return (await storage.sessions.append(ref, draft)).seq == 1
            except StoreUnavailable:
                return False

        await until(stored, "the message is stored")
        assert await texts(storage, ref) == ["once"]
        assert await logged(storage, ref) == ["once"]


async def test_opening_on_a_port_where_nothing_listens_is_unavailable() -> None:
    async with asyncio.timeout(GENEROUS):
        with pytest.raises(StoreUnavailable):
            async with opened(f"127.0.0.1:{free_port()}", "", DEADLINE):
                pass


async def test_opening_without_usable_credentials_is_a_misconfiguration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.json"
    key.write_text("not a key")
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(StoreMisconfigured):
        await open_storage(StoreSettings(backend="firestore"))


async def test_a_prefix_with_a_slash_is_a_misconfiguration() -> None:
    section = FirestoreSettings(collection_prefix="a/")
    with named("127.0.0.1:1"), pytest.raises(StoreMisconfigured):
        await open_storage(StoreSettings(backend="firestore", options=section))


async def test_a_damaged_session_is_quarantined_and_the_others_are_unharmed(services: Services) -> None:
    running: Emulator = services.get(emulator)
    prefix = f"{uuid4().hex[:12]}-"
    async with opened(running.address, prefix) as storage, documents(running.address, prefix) as stored:
        damaged, sound = await started(storage), await started(storage)
        await say(storage, damaged, "lost")
        await stored.reference(f"sessions/{damaged.session_id}").set({"site": SITE, "seq": "many"})
        for call in ("load", "restore", "claim", "append", "messages", "set_context", "swap_task", "lease", "delete"):
            with pytest.raises(SessionCorrupt):
                await CALLS[call](storage, damaged)
        assert (await say(storage, sound, "kept")).seq == 1
        assert await texts(storage, sound) == ["kept"]
        await storage.sessions.sweep({SITE: LONG}, 10)
        await storage.sessions.delete(damaged, LONG, bury_absent=True)
        with pytest.raises(SessionDeleted):
            await storage.sessions.load(damaged)
        assert not [path for path in await stored.stored() if f"{damaged.session_id}/" in path]


async def test_a_message_that_is_missing_makes_its_session_corrupt(services: Services) -> None:
    running: Emulator = services.get(emulator)
    prefix = f"{uuid4().hex[:12]}-"
    async with opened(running.address, prefix) as storage, documents(running.address, prefix) as stored:
        ref = await started(storage)
        for number in range(3):
            await say(storage, ref, f"text {number}")
        await stored.reference(f"sessions/{ref.session_id}/messages/0000000002").delete()
        with pytest.raises(SessionCorrupt):
            await storage.sessions.restore(ref, 0, 10)
        assert len((await storage.sessions.restore(ref, 2, 10)).messages) == 1
