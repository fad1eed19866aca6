"""`SettingsStore` on Redis: few documents, all on one node; each site's audit trail is a sorted set by time."""

import msgspec

from backends.errors import VersionConflict
from backends.records import AuditEntry, Versioned
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import LuaScript, command

_GET, _PUT, _REMOVE, _AUDIT = LuaScript("get"), LuaScript("put"), LuaScript("remove"), LuaScript("audit")
_NUMBER = 16
"""Digits in front of each line of an audit trail: see lua/audit.lua."""


class RedisSettingsStore:
    """Documents by name, and the audit trail."""

    def __init__(self, client: RedisClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._documents = (keys.settings("values"), keys.settings("versions"), keys.settings("names"))

    async def get(self, name: str) -> Versioned | None:
        value, version = await self._client.one(_GET(self._documents, name))
        return None if value is None else Versioned(value, int(version))

    async def put(self, name: str, value: bytes, expect: int) -> Versioned:
        has_won, version = await self._client.one(_PUT(self._documents, name, value, expect))
        if not has_won:
            raise VersionConflict(version)
        return Versioned(value, version)

    async def names(self, prefix: str) -> list[str]:
        first = b"[" + prefix.encode() if prefix else b"-"
        # No UTF-8 text has the byte 255.
        last = b"(" + prefix.encode() + b"\xff"
        found = await self._client.one(command("ZRANGEBYLEX", self._documents[2], first, last))
        return sorted(name.decode() for name in found)

    async def remove(self, name: str) -> bool:
        return bool(await self._client.one(_REMOVE(self._documents, name)))

    async def audit(self, site_id: str, entry: AuditEntry) -> None:
        line = msgspec.json.encode((entry.actor, entry.action, entry.details))
        await self._client.one(_AUDIT((self._keys.settings("audit", site_id),), line))

    async def audit_trail(self, site_id: str, limit: int, before: int | None = None) -> list[AuditEntry]:
        newest = "+inf" if before is None else f"({before}"
        found = await self._client.one(
            command(
                "ZREVRANGEBYSCORE",
                self._keys.settings("audit", site_id),
                *(newest, "-inf", "WITHSCORES", "LIMIT", 0, max(limit, 0)),
            )
        )
        pairs = zip(found[::2], found[1::2], strict=True)
        return [_audit_entry(line[_NUMBER:], int(float(ts))) for line, ts in pairs]


def _audit_entry(line: bytes, ts: int) -> AuditEntry:
    actor, action, details = msgspec.json.decode(line)
    return AuditEntry(actor, action, details, ts)
