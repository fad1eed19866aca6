"""`run.py export SITE` and `run.py purge SITE SESSION`: an owner's rights over the store, without a browser."""

import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import BinaryIO

from backends import open_storage
from backends.base import Storage
from backends.errors import SessionNotFound, StorageError, StoreMisconfigured
from backends.records import AuditEntry, Session
from leflux.config import Settings
from leflux.conversation import Conversations
from leflux.lines import Format, export_chunks
from leflux.owning import open_owning
from leflux.problems import Problem
from leflux.wire import Stream

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
            async with aclosing(export_chunks(storage.log.export(site_id, None, None), kind)) as chunks:
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

    A running server tells the pages that are connected within half a minute; before, their next call does.
    """
    if (code := refusal(settings, site_id)) is not None:
        return code
    try:
        async with opened(settings) as storage:
            counts = await _erase(settings, storage, site_id, session_id)
    except Problem as problem:
        print(f"purge: {problem.message}", file=sys.stderr)
        return EXIT_USAGE
    except SessionNotFound:
        print(f"purge: the site {site_id!r} has no such session.", file=sys.stderr)
        return EXIT_FAILED
    except StorageError as error:
        return failed("purge", error)
    print(f"{session_id}: erased. " + ", ".join(f"{name}: {count}" for name, count in counts.items()))
    return 0


async def _no_streams(_: Session) -> list[Stream]:
    return []


async def _erase(settings: Settings, storage: Storage, site_id: str, session_id: str) -> dict[str, int]:
    owning = open_owning(settings, storage)
    await owning.refresher.load()
    conversations = Conversations(
        storage, owning.policies, owning.appearances, settings.limits, _no_streams, replies=False
    )
    counts = (await conversations.purge(site_id, session_id)).named()
    await storage.settings.audit(site_id, AuditEntry(ACTOR, "session.deleted", {"sessionId": session_id, **counts}))
    return counts


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Storage]:
    storage = await open_storage(settings.storage, settings.message_log)
    try:
        yield storage
    finally:
        await storage.close()


def refusal(settings: Settings, site_id: str) -> int | None:
    """Why the command cannot be done with these settings, as an exit code, after saying so."""
    if settings.storage.backend == "memory":
        print("With memory as storage, conversations live in the serving process only.", file=sys.stderr)
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
