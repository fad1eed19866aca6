"""The slow walk over all sites: idle sessions, overdue tasks, orphaned turns."""

from collections.abc import Collection, Mapping
from typing import Any

from backends.records import SessionName
from backends.redis_errors import is_broken
from backends.redis_index import Index, Seen
from backends.redis_keys import Keys
from backends.redis_link import Link
from backends.redis_script import Command, Script

_EVICT, _CHECK = Script("evict", "session"), Script("check", "session")


class Sweep:
    """Looks at the sessions that hints name."""

    def __init__(self, link: Link, keys: Keys, index: Index) -> None:
        self._link = link
        self._keys = keys
        self._index = index

    async def evict(self, idle_ttls: Mapping[str, float], limit: int) -> list[SessionName]:
        """Remove up to `limit` idle sessions."""
        evicted: list[SessionName] = []
        passed: set[tuple[str, str]] = set()
        while len(evicted) < limit:
            found = await self._index.idle(idle_ttls.items(), limit + len(passed))
            hints = [hint for hint in found if (hint.site_id, hint.session_id) not in passed][: limit - len(evicted)]
            if not hints:
                break
            passed |= {(hint.site_id, hint.session_id) for hint in hints}
            commands = [self._command(_EVICT, hint, idle_ttls[hint.site_id] * 1000) for hint in hints]
            replies = await self._link.each(commands)
            moves: list[tuple[Seen, int | None]] = []
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
                    moves.append((hint, hint.now))  # It is for an operator to look at; its turn comes again.
                elif what == "evicted" or self._index.is_settled(hint):
                    moves.append((hint, None))
            # Only when the lines are known to wait may the session leave the list.
            await self._link.all(*stranded)
            await self._index.settle(moves)
        return evicted

    async def due(self, sites: Collection[str], limit: int) -> tuple[list[SessionName], list[SessionName]]:
        """Sessions of the sites with an overdue task, and those with an orphaned turn."""
        hints = await self._index.work(sites, limit)
        replies = await self._link.each([self._command(_CHECK, hint, 0) for hint in hints])
        overdue: dict[SessionName, None] = {}
        orphaned: dict[SessionName, None] = {}
        moves: list[tuple[Seen, int | None]] = []
        nothing: list[Seen] = []
        for hint, reply in zip(hints, replies, strict=True):
            is_overdue, is_orphaned, later = (0, 0, 0) if is_broken(reply) else reply[1:]
            name = SessionName(hint.site_id, hint.session_id)
            if is_overdue:
                overdue[name] = None
            if is_orphaned:
                orphaned[name] = None
            if later and not (is_overdue or is_orphaned):
                # What a first hint announced may still be on its way, and due sooner.
                moves.append(
                    (hint, later * 1000 if hint.is_second else min(later * 1000, self._index.put_aside_until(hint)))
                )
            elif not (is_overdue or is_orphaned):
                nothing.append(hint)
        await self._index.settle(moves)
        await self._index.put_aside(nothing)
        return list(overdue)[:limit], list(orphaned)[:limit]

    def _command(self, script: Script, hint: Seen, idle_ms: float) -> Command:
        return script(self._keys.session(hint.site_id, hint.session_id), hint.site_id, idle_ms)


def _evicted(reply: Any) -> tuple[str, int, int]:
    if is_broken(reply):
        return "corrupt", 0, 0
    _, what, lines, activity = reply
    return what.decode(), lines, activity
