"""Copies a database while it is written to, and puts a copy in its place with the erasures since repeated."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from backends.errors import SessionDeleted, StoreMisconfigured
from backends.records import SessionRef
from backends.sqlite import SqliteSettings
from backends.sqlite.log import ErasureList, digest
from backends.sqlite.schema import VERSION, connect, migrate

_PAGES = 1_000
"""Copied in one step; between two steps the server writes."""
_FREE = 500_000_000
_TOMBSTONE = 400 * 86_400.0
"""Seconds for which a browser could still name an erased conversation that a backup brought back."""
_IDS = "SELECT id, site FROM sessions UNION SELECT id, site FROM log_sessions UNION SELECT id, site FROM evicted"


def back_up(options: SqliteSettings, target: Path) -> None:
    """Write the database as of one moment to `target`. Raises `StoreMisconfigured`."""
    source = Path(options.path)
    if not source.is_file():
        raise StoreMisconfigured(f"{source} does not exist")
    if target.exists():
        raise StoreMisconfigured(f"{target} exists already, and is left as it is")
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.close(descriptor)
        with closing(connect(source)) as reading, closing(sqlite3.connect(partial)) as writing:
            # In a transaction that reads, so that a busy server does not make the copy begin again.
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(writing, pages=_PAGES)
            reading.execute("COMMIT")
            writing.execute("PRAGMA journal_mode = DELETE")
        partial.rename(target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise StoreMisconfigured(f"{target} cannot be written: {error}") from None


async def restore(options: SqliteSettings, source: Path) -> int:
    """Put a backup in the database's place; returns how many erased conversations it brought. Raises
    `StoreMisconfigured`."""
    from backends.sqlite.store import open_store

    target = Path(options.path)
    _check(source)
    _check_unused(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The copy is built under another name, whose list of erasures is the target's own.
    building = target.with_name(f"{target.name}.restoring")
    _remove(building)
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(building)) as writing:
        reading.backup(writing)
    migrate(building)
    erased = ErasureList(target).read() | _tombstoned(target)
    with closing(connect(building)) as db:
        found = [(site, session) for session, site in db.execute(_IDS) if digest(site, session) in erased]
    storage = await open_store(options.__class__(path=str(building)), 60.0, True)
    try:
        for site_id, session_id in found:
            try:
                await storage.sessions.delete(SessionRef(site_id, session_id, 0.0), _TOMBSTONE, bury_absent=True)
            except SessionDeleted:
                continue
            finally:
                await storage.log.delete_session(site_id, session_id, _TOMBSTONE)
    finally:
        await storage.close()
    ErasureList(building).path.unlink(missing_ok=True)
    with closing(sqlite3.connect(building)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        # Pages that were split while the backup's source was written to may hold copies of what is erased now.
        db.execute("VACUUM")
    # From here on nothing can fail that needs space on the disk.
    _remove(target)
    building.rename(target)
    return len(found)


def diagnose(options: SqliteSettings) -> list[str]:
    """Whether the disk is nearly full."""
    folder = Path(options.path).parent
    free = shutil.disk_usage(folder if folder.exists() else ".").free
    return [f"{folder} has {free // 1_000_000} MB left on its disk"] if free < _FREE else []


def _check(source: Path) -> None:
    if not source.is_file():
        raise StoreMisconfigured(f"{source} does not exist")
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
            db.execute("SELECT 1 FROM log_sessions LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise StoreMisconfigured(f"{source} is no backup of LeFlux: {error}") from None
    if version > VERSION:
        raise StoreMisconfigured(f"{source} was written by a newer LeFlux (schema {version}; this one knows {VERSION})")
    if said != "ok":
        raise StoreMisconfigured(f"{source} is damaged: {said}")


def _check_unused(target: Path) -> None:
    """Only the last connection may leave the write-ahead log."""
    if not target.exists():
        return
    try:
        with closing(sqlite3.connect(target, timeout=0.5)) as db:
            db.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        raise StoreMisconfigured(f"{target} is in use; stop the server first") from None
    except sqlite3.DatabaseError:
        return


def _tombstoned(target: Path) -> set[str]:
    """What the database that is replaced knows of erasures, where it can still be read."""
    if not target.exists():
        return set()
    try:
        with closing(sqlite3.connect(target)) as db:
            found = db.execute("SELECT id, site FROM tombstones UNION SELECT id, site FROM log_tombstones").fetchall()
    except sqlite3.DatabaseError:
        return set()
    return {digest(site, session) for session, site in found}


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)
