"""`SettingsStore` on Firestore."""

from typing import Any

import msgspec

from backends.errors import StoreUnavailable, VersionConflict
from backends.firestore.docs import document_id
from backends.firestore.rpc import READ_CHUNK, Rpc
from backends.firestore.transaction_queue import TransactionQueues, Unit
from backends.records import AuditEntry, Versioned

_LAST_CHARACTER = "\U0010ffff"


class FirestoreSettingsStore:
    """`settings/{name}`, and `audit/{site}` with the site's lines below it."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues) -> None:
        self._rpc = rpc
        self._queues = queues

    def _path(self, name: str) -> str:
        return self._rpc.path("settings", document_id(name))

    async def get(self, name: str) -> Versioned | None:
        path = self._path(name)
        reading = await self._rpc.read([path], self._rpc.until())
        return _versioned(reading.documents[path].data)

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        path = self._path(name)

        def step(unit: Unit) -> Versioned:
            current = _versioned(unit.get(path))
            version = current.version if current is not None else 0
            if version != expect:
                raise VersionConflict(version)
            unit.put(path, {"name": name, "value": value, "version": version + 1})
            return Versioned(value, version + 1)

        return await self._queues.run(path, step, size=len(value))

    async def names(self, prefix: str) -> list[str]:
        within = [("name", ">=", prefix), ("name", "<=", prefix + _LAST_CHARACTER)]
        found: list[str] = []
        async for page in self._rpc.pages(
            self._rpc.path("settings"), self._rpc.until(), "name", within, ("name",), READ_CHUNK
        ):
            found += [hit.data["name"] for hit in page if hit.data["name"].startswith(prefix)]
        return sorted(found)

    async def remove(self, name: str) -> bool:
        path = self._path(name)

        def step(unit: Unit) -> bool:
            if unit.get(path) is None:
                return False
            unit.drop(path)
            return True

        return await self._queues.run(path, step)

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        path = self._rpc.path("audit", document_id(site_id))
        details = msgspec.json.encode(entry.details)

        def step(unit: Unit) -> None:
            trail = unit.get(path) or {"count": 0, "ts": 0}
            count, ts = trail["count"] + 1, max(unit.now, trail["ts"])
            unit.put(path, {"site": site_id, "count": count, "ts": ts})
            line = {"at": f"{ts:015}:{count:012}", "ts": ts, "actor": entry.actor, "action": entry.action}
            unit.put(f"{path}/lines/{count:012}", line | {"details": details})

        await self._queues.run(path, step, size=len(details))

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        lines = self._rpc.path("audit", document_id(site_id), "lines")
        within = [] if before is None else [("at", "<", f"{max(before, 0):015}")]
        hits = await self._rpc.find(lines, self._rpc.until(), within, "at", descending=True, limit=limit)
        return [
            AuditEntry(hit.data["actor"], hit.data["action"], msgspec.json.decode(hit.data["details"]), hit.data["ts"])
            for hit in hits
        ]


def _versioned(data: dict[str, Any] | None) -> Versioned | None:
    if data is None:
        return None
    try:
        return Versioned(data["value"], data["version"])
    except KeyError:
        raise StoreUnavailable("a settings document cannot be read") from None
