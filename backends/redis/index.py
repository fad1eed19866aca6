"""Which sessions to look at: hints, never the truth.

On a cluster the script that changes a session cannot change an index of its site, which lives on another node. So an
index here only says "look at this session", and the look is what finds out. What makes the hints sufficient:

- A call that needs a hint sends it in the same pipeline, ahead of its script, and acknowledges only when both have
  landed.
- A hint goes when a look found nothing. The look may have come between the hint and the change it announces, so the
  hint is first put aside for `grace`, twice the deadline of a call, and looked at once more: whatever was acknowledged
  has landed by then.
- A hint that is renewed in between has another score, and is not removed.
- On a cluster, what was never acknowledged may be stored without a hint, when a node or a process died in between.
  Its sender repeats it with the same id, which renews the hint; if nobody does, the last look, at eviction, finds it.
- A session is registered by `create` in the list that evictions walk, and leaves it only when a look has found that it
  is gone. The list holds an activity that may be too old, never too new: a look corrects it. So appending costs it
  nothing.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from backends.redis_keys import Keys
from backends.redis_link import Link
from backends.redis_script import Command, Script, command
from backends.redis_wire import Call

_HINT, _LOOK, _SETTLE = Script("hint"), Script("look"), Script("settle")
STRANDED = 0
"""The score of an evicted session whose lines wait: before all others."""


class Seen(Struct, frozen=True):
    """One hint as it was met. `keys`: where it is, and where it goes when it is put aside."""

    site_id: str
    session_id: str
    keys: tuple[str, str]
    score: float
    now: int
    is_second: bool


class Index:
    """The hints of all sites; scores and `now` are microseconds by the clock of the site's node."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys
        self._grace = int(2 * link.deadline * 1_000_000)

    def register(self, site_id: str, session_id: str) -> tuple[Command, Command]:
        """Put the session on the list that evictions walk."""
        return (
            command("SADD", self._keys.sites(), site_id),
            _HINT((self._keys.activity(site_id),), "", session_id),
        )

    def unregister(self, site_id: str, session_id: str) -> Command:
        return command("ZREM", self._keys.activity(site_id), session_id)

    def hint(self, site_id: str, session_id: str, lines: bool, work: bool) -> Call | None:
        """Say that log lines wait, and that there is an open turn or a task. All who say so in one pipeline share
        one command.
        """
        keys: tuple[str, ...] = ()
        if lines:
            keys += (self._keys.lines(site_id)[0],)
        if work:
            keys += (self._keys.work(site_id)[0],)
        return self._link.shared(_HINT, keys, session_id) if keys else None

    def strand(self, site_id: str, session_id: str) -> Command:
        """Say that an evicted session has log lines to deliver."""
        return _HINT((self._keys.lines(site_id)[0],), STRANDED, session_id)

    async def sites(self) -> list[str]:
        members = await self._link.one(Command(self._keys.sites(), ("SMEMBERS", self._keys.sites())))
        return sorted(member.decode() for member in members)

    async def registered(self) -> int:
        sites = await self.sites()
        return sum(await self._link.all(*(command("ZCARD", self._keys.activity(site_id)) for site_id in sites)))

    async def lines(self, limit: int) -> list[Seen]:
        """Sessions whose log lines may wait, evicted ones first; up to `limit` of each site and kind."""
        sites = await self.sites()
        return await self._look([(site_id, self._keys.lines(site_id), 0.0) for site_id in sites], limit)

    async def work(self, sites: Iterable[str], limit: int) -> list[Seen]:
        """Sessions of these sites whose turn or task may be due."""
        return await self._look([(site_id, self._keys.work(site_id), 0.0) for site_id in sites], limit)

    async def idle(self, idle_ttls: Iterable[tuple[str, float]], limit: int) -> list[Seen]:
        """Sessions that may be idle for longer than their site's seconds."""
        places = [(site_id, (key := self._keys.activity(site_id), key), seconds) for site_id, seconds in idle_ttls]
        return await self._look(places, limit)

    async def _look(self, places: Sequence[tuple[str, tuple[str, str], float]], limit: int) -> list[Seen]:
        commands = [
            _LOOK(keys if keys[0] != keys[1] else keys[:1], limit, seconds * 1_000_000) for _, keys, seconds in places
        ]
        seen: list[Seen] = []
        for (site_id, keys, _), (now, first, second) in zip(places, await self._link.all(*commands), strict=True):
            seen += _seen(site_id, keys, int(now), first, is_second=False)
            seen += _seen(site_id, (keys[1], keys[1]), int(now), second, is_second=True)
        return sorted(seen, key=lambda hint: hint.score)

    async def settle(self, moves: Iterable[tuple[Seen, int | None]]) -> None:
        """Give hints another score among those put aside, or drop them (None), unless they were renewed."""
        by_keys: dict[tuple[str, str], list[str]] = {}
        for hint, score in moves:
            arguments = by_keys.setdefault(hint.keys, [])
            arguments += (hint.session_id, f"{hint.score:.0f}", "" if score is None else str(score))
        await self._link.all(*(_SETTLE(keys, *arguments) for keys, arguments in by_keys.items()))

    async def put_aside(self, hints: Iterable[Seen]) -> None:
        """Nothing was found: look once more after `grace`, or never again if that was it."""
        await self.settle((hint, None if hint.is_second else self.put_aside_until(hint)) for hint in hints)

    def put_aside_until(self, hint: Seen) -> int:
        """When whatever was acknowledged by now has landed."""
        return hint.now + self._grace

    def is_settled(self, hint: Seen) -> bool:
        """Whether whatever the hint announced has landed or was never acknowledged."""
        return hint.score <= hint.now - self._grace


def _seen(site_id: str, keys: tuple[str, str], now: int, flat: list[bytes], is_second: bool) -> list[Seen]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [Seen(site_id, member.decode(), keys, float(score), now, is_second) for member, score in pairs]
