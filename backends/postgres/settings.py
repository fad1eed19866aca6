"""`SettingsStore` on PostgreSQL: each verb is one statement."""

from typing import Any

import msgspec

from backends.base import SettingsStore
from backends.errors import VersionConflict
from backends.postgres.call_pool import CallPool
from backends.postgres.schema import named
from backends.records import AuditEntry, Versioned

_AUDIT = """
INSERT INTO leflux.audit (site, ts, actor, action, details)
SELECT $1, greatest(leflux.now_ms(), (SELECT max(ts) FROM leflux.audit WHERE site = $1)), $2, $3, $4
"""
_TRAIL = """
SELECT actor, action, details, ts FROM leflux.audit WHERE site = $1 AND ts < $2 ORDER BY ts DESC, num DESC LIMIT $3
"""


class PostgresSettingsStore(SettingsStore):
    """Documents by name, and the audit trail."""

    def __init__(self, pool: CallPool, schema: str) -> None:
        self._pool = pool
        self._schema = schema

    async def _rows(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return await self._pool.rows(named(statement, self._schema), *arguments)

    async def get(self, name: str) -> Versioned | None:
        found = await self._rows("SELECT value, version FROM leflux.documents WHERE name = $1", name)
        return Versioned(*found[0]) if found else None

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        [[stored]] = await self._rows("SELECT leflux.put_document($1, $2, $3)", name, value, expect)
        if stored >= 0:
            raise VersionConflict(stored)
        return Versioned(value, expect + 1)

    async def names(self, prefix: str) -> list[str]:
        rows = await self._rows("SELECT name FROM leflux.documents WHERE starts_with(name, $1)", prefix)
        return sorted(name for (name,) in rows)

    async def remove(self, name: str) -> bool:
        return bool(await self._rows("DELETE FROM leflux.documents WHERE name = $1 RETURNING 1", name))

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        await self._rows(_AUDIT, site_id, entry.actor, entry.action, msgspec.json.encode(entry.details))

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        found = await self._rows(_TRAIL, site_id, before if before is not None else 2**62, limit)
        return [AuditEntry(actor, action, msgspec.json.decode(details), ts) for actor, action, details, ts in found]
