"""`run.py export SITE` and `run.py purge SITE SESSION`: the owner's calls of these names, without a browser."""

import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import BinaryIO

from msgspec import structs

from backends import open_storage
from backends.base import Storage
from backends.errors import SessionNotFound, StorageError, StoreMisconfigured
from backends.records import AuditEntry
from leflux.chat.conversation_ids import ConversationIds, ConversationIdSource
from leflux.chat.erasure import Erasure
from leflux.common.server_key import ServerKey
from leflux.config import Settings
from leflux.notices.recorder import NoticeRecorder
from leflux.owner.export_format import Format, export_chunks
from leflux.owner.service import open_owner_service
from leflux.protocol import SESSION_DELETED, Problem
from leflux.realtime.bus import open_bus
from leflux.realtime.hub import NoBus
from leflux.realtime.notes import GONE, Bus

EXIT_FAILED = 1
EXIT_USAGE = 2
ACTOR = "command line"


async def export_log(settings: Settings, site_id: str, kind: Format, out: BinaryIO) -> int:
    """Write every line of a site's log to `out`. Returns the exit code: 0 well, 1 the store failed, 2 a wrong call."""
    if (code := refusal(settings, site_id)) is not None:
        return code
    try:
        async with opened(settings) as storage:
            await storage.settings.audit(site_id, AuditEntry(ACTOR, "log.exported", {"format": kind}))
            ids = await _ids(storage)
            async with aclosing(export_chunks(storage.log.export(site_id, None, None), kind, ids.of)) as chunks:
                async for chunk in chunks:
                    out.write(chunk)
            out.flush()
    except BrokenPipeError:
        return EXIT_FAILED
    except StorageError as error:
        return failed("export", error)
    return 0


async def purge(settings: Settings, site_id: str, session_id: str) -> int:
    """Erase one conversation from every store and say what was there. Exit codes as above; 1 also for an unknown id.

    `session_id`: the session's id, or the conversation id by which owners know it.

    Open pages are told at once where there is a bus. Without one, the server tells them within half a minute; before
    that, their next call does.
    """
    if (code := refusal(settings, site_id)) is not None:
        return code
    try:
        async with opened(settings) as storage:
            ids = await _ids(storage)
            session_id = ids.session_id(session_id)
            counts = await _erase(settings, storage, site_id, session_id)
    except Problem as problem:
        print(f"purge: {problem.message}", file=sys.stderr)
        return EXIT_USAGE
    except SessionNotFound:
        print(f"purge: the site {site_id!r} has no such session.", file=sys.stderr)
        return EXIT_FAILED
    except StorageError as error:
        return failed("purge", error)
    print(f"{ids.of(session_id)}: erased. " + ", ".join(f"{name}: {count}" for name, count in counts.items()))
    return 0


class _Pages:
    """The pages of an erased session, which other processes serve."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def deleted(self, session_id: str) -> None:
        await self._bus.tell(GONE, {"sessionId": session_id, "event": SESSION_DELETED})


async def _erase(settings: Settings, storage: Storage, site_id: str, session_id: str) -> dict[str, int]:
    owner_service = open_owner_service(settings, storage)
    await owner_service.refresher.load()
    async with _bus(settings) as bus:
        policy = owner_service.policies.current.__getitem__
        events = NoticeRecorder(storage, owner_service.notices)
        erasure = Erasure(storage=storage, policy=policy, pages=_Pages(bus), events=events)
        return structs.asdict((await erasure.erase(site_id, session_id, ACTOR)).deleted)


async def _ids(storage: Storage) -> ConversationIds:
    return await ConversationIdSource(ServerKey(storage.settings)).get()


@asynccontextmanager
async def _bus(settings: Settings) -> AsyncIterator[Bus]:
    if settings.bus is None:
        yield NoBus()
        return
    bus = open_bus(settings.bus, settings.bus_prefix)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Storage]:
    storage = await open_storage(settings.storage, settings.message_log)
    try:
        yield storage
    finally:
        await storage.close()


def refusal(settings: Settings, site_id: str) -> int | None:
    """Why the command cannot be done with these settings, as an exit code, after saying so."""
    if not settings.storage.store.durable:
        name = settings.storage.backend
        print(f"With {name} as storage, conversations live in the serving process only.", file=sys.stderr)
        return EXIT_USAGE
    known = [site.id for site in settings.sites]
    if site_id not in known:
        print(f"There is no site {site_id!r} in the configuration; it knows: {', '.join(known)}.", file=sys.stderr)
        return EXIT_USAGE
    return None


def failed(command: str, error: StorageError) -> int:
    """Raises `StoreMisconfigured` again, which has an exit code of its own."""
    if isinstance(error, StoreMisconfigured):
        raise error
    print(f"{command} failed: {error}", file=sys.stderr)
    return EXIT_FAILED
