"""Finds idle sessions, overdue tasks and orphaned questions of all sites."""

from collections.abc import Collection, Mapping
from typing import Any

from backends.records import SessionName
from backends.redis.errors import is_broken
from backends.redis.index import IndexEntry, SessionIndex
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import Arg, Command, LuaScript

_EVICT, _CHECK = LuaScript("evict", "session"), LuaScript("check", "session")


class Sweep:
    """Looks at the sessions that hints name."""

    def __init__(self, client: RedisClient, keys: Keys, index: SessionIndex) -> None:
        self._client = client
        self._keys = keys
        self._index = index

    async def evict(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float) -> list[SessionName]:
        """Remove up to `limit` idle sessions."""
        evicted: list[SessionName] = []
        passed: set[tuple[str, str]] = set()
        while len(evicted) < limit:
            found = await self._index.idle(idle_ttls.items(), limit + len(passed))
            hints = [hint for hint in found if (hint.site_id, hint.session_id) not in passed][: limit - len(evicted)]
            if not hints:
                break
            passed |= {(hint.site_id, hint.session_id) for hint in hints}
            commands = [
                self._command(_EVICT, hint, idle_ttls[hint.site_id] * 1000, int(keys_for * 1000)) for hint in hints
            ]
            replies = await self._client.each(commands)
            moves: list[tuple[IndexEntry, int | None]] = []
            stranded: list[Command] = []
            for hint, reply in zip(hints, replies, strict=True):
                what, lines, activity = _evicted(reply)
                if what == "evicted":
                    evicted.append(SessionName(hint.site_id, hint.session_id))
                if what in ("evicted", "not_found") and lines:
                    stranded.append(self._index.strand(hint.site_id, hint.session_id))
                if what == "alive":
                    moves.append((hint, activity * 1000))
                elif what == "corrupt":
                    moves.append((hint, hint.now))  # An operator has to repair it. It is checked again later.
                elif what == "evicted" or self._index.is_settled(hint):
                    moves.append((hint, None))
            # Only when the lines are known to wait may the session leave the list.
            await self._client.all(*stranded)
            await self._index.settle(moves)
        return evicted

    async def due(self, sites: Collection[str], limit: int) -> tuple[list[SessionName], list[SessionName]]:
        """Sessions of the sites with an overdue task, and those with an orphaned question."""
        hints = await self._index.work(sites, limit)
        replies = await self._client.each([self._command(_CHECK, hint, 0) for hint in hints])
        overdue: dict[SessionName, None] = {}
        orphaned: dict[SessionName, None] = {}
        moves: list[tuple[IndexEntry, int | None]] = []
        nothing: list[IndexEntry] = []
        for hint, reply in zip(hints, replies, strict=True):
            is_overdue, is_orphaned, later = (0, 0, 0) if is_broken(reply) else reply[1:]
            name = SessionName(hint.site_id, hint.session_id)
            if is_overdue:
                overdue[name] = None
            if is_orphaned:
                orphaned[name] = None
            if later and not (is_overdue or is_orphaned):
                # The change that a first hint announced may not be stored yet, and may be due sooner.
                moves.append(
                    (hint, later * 1000 if hint.is_second else min(later * 1000, self._index.put_aside_until(hint)))
                )
            elif not (is_overdue or is_orphaned):
                nothing.append(hint)
        await self._index.settle(moves)
        await self._index.put_aside(nothing)
        return list(overdue)[:limit], list(orphaned)[:limit]

    def _command(self, script: LuaScript, hint: IndexEntry, idle_ms: float, *args: Arg) -> Command:
        return script(self._keys.session(hint.site_id, hint.session_id), hint.site_id, idle_ms, *args)


def _evicted(reply: Any) -> tuple[str, int, int]:
    if is_broken(reply):
        return "corrupt", 0, 0
    _, what, lines, activity = reply
    return what.decode(), lines, activity
