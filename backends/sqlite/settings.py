"""`SettingsStore` on SQLite."""

from sqlite3 import Connection

import msgspec

from backends.clock import now_ms
from backends.errors import VersionConflict
from backends.records import AuditEntry, Versioned
from backends.sqlite.writer_thread import WriterThread


class SqliteSettingsStore:
    """Documents by name, and the audit trail."""

    def __init__(self, writer: WriterThread, reader: WriterThread) -> None:
        self._writer = writer
        self._reader = reader

    async def get(self, name: str) -> Versioned | None:
        return await self._reader.run(lambda db: _get(db, name))

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        def job(db: Connection) -> Versioned:
            current = _get(db, name)
            version = current.version if current is not None else 0
            if version != expect:
                raise VersionConflict(version)
            db.execute(
                "INSERT OR REPLACE INTO documents (name, value, version) VALUES (?, ?, ?)", (name, value, version + 1)
            )
            return Versioned(value, version + 1)

        return await self._writer.run(job)

    async def names(self, prefix: str) -> list[str]:
        def job(db: Connection) -> list[str]:
            rows = db.execute("SELECT name FROM documents WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
            return sorted(name for (name,) in rows)

        return await self._reader.run(job)

    async def remove(self, name: str) -> bool:
        def job(db: Connection) -> bool:
            return db.execute("DELETE FROM documents WHERE name = ?", (name,)).rowcount == 1

        return await self._writer.run(job)

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        details = msgspec.json.encode(entry.details)

        def job(db: Connection) -> None:
            last = db.execute("SELECT max(ts) FROM audit WHERE site = ?", (site_id,)).fetchone()[0]
            db.execute(
                "INSERT INTO audit (site, ts, actor, action, details) VALUES (?, ?, ?, ?, ?)",
                (site_id, max(now_ms(), last or 0), entry.actor, entry.action, details),
            )

        await self._writer.run(job)

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        def job(db: Connection) -> list[AuditEntry]:
            rows = db.execute(
                "SELECT actor, action, details, ts FROM audit"
                " WHERE site = ? AND ts < ? ORDER BY ts DESC, id DESC LIMIT ?",
                (site_id, before if before is not None else 2**62, limit),
            )
            return [AuditEntry(actor, action, msgspec.json.decode(details), ts) for actor, action, details, ts in rows]

        return await self._reader.run(job)


def _get(db: Connection, name: str) -> Versioned | None:
    row = db.execute("SELECT value, version FROM documents WHERE name = ?", (name,)).fetchone()
    return None if row is None else Versioned(*row)
