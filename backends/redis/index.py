"""Indexes of the sessions that may need work. An entry is a hint, and the session itself decides.

On a cluster the script that changes a session cannot change an index of its site, which is on another node. So an
entry only says that the session should be looked at. These rules make sure that no work is missed:

- A call that needs a hint sends it in the same pipeline, before its script, and acknowledges when both are stored.
- A hint is removed when a look finds no work. The look may come between the hint and its change, so the hint first
  moves to a second list for `grace`, twice the deadline of a call, and is looked at once more. By then every
  acknowledged change is stored.
- A hint that is renewed meanwhile has another score, and is not removed.
- On a cluster a change that was never acknowledged may be stored without a hint, when a node or a process dies in
  between. Its sender repeats it with the same id, which renews the hint. Otherwise the look at eviction finds it.
- `create` adds a session to the list for evictions, and it leaves the list when a look finds that it is gone. Its
  activity in the list may be too old, never too new, and a look corrects it. So `append` does not update it.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from backends.redis.connection import PendingCall
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import Command, LuaScript, command

_HINT, _LOOK, _SETTLE = LuaScript("hint"), LuaScript("look"), LuaScript("settle")
STRANDED = 0
"""The score of an evicted session with waiting lines. It comes before all others."""


class IndexEntry(Struct, frozen=True):
    """One hint as it was read. `keys`: its list, and the list that it moves to when no work is found."""

    site_id: str
    session_id: str
    keys: tuple[str, str]
    score: float
    now: int
    is_second: bool


class SessionIndex:
    """The hints of all sites; scores and `now` are microseconds by the clock of the site's node."""

    def __init__(self, client: RedisClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._grace = int(2 * client.deadline * 1_000_000)

    def register(self, site_id: str, session_id: str) -> tuple[Command, Command]:
        """Add the session to the list for evictions."""
        return (
            command("SADD", self._keys.sites(), site_id),
            _HINT((self._keys.activity(site_id),), "", session_id),
        )

    def unregister(self, site_id: str, session_id: str) -> Command:
        return command("ZREM", self._keys.activity(site_id), session_id)

    def hint(self, site_id: str, session_id: str, lines: bool, work: bool) -> PendingCall | None:
        """Note that log lines wait, or that there is an open question or a task. The hints of one pipeline share one
        command.
        """
        keys: tuple[str, ...] = ()
        if lines:
            keys += (self._keys.lines(site_id)[0],)
        if work:
            keys += (self._keys.work(site_id)[0],)
        return self._client.shared(_HINT, keys, session_id) if keys else None

    def strand(self, site_id: str, session_id: str) -> Command:
        """Note that an evicted session has log lines to deliver."""
        return _HINT((self._keys.lines(site_id)[0],), STRANDED, session_id)

    async def sites(self) -> list[str]:
        members = await self._client.one(Command(self._keys.sites(), ("SMEMBERS", self._keys.sites())))
        return sorted(member.decode() for member in members)

    async def registered(self) -> int:
        sites = await self.sites()
        return sum(await self._client.all(*(command("ZCARD", self._keys.activity(site_id)) for site_id in sites)))

    async def lines(self, limit: int) -> list[IndexEntry]:
        """Sessions whose log lines may wait, evicted ones first; up to `limit` of each site and kind."""
        sites = await self.sites()
        return await self._look([(site_id, self._keys.lines(site_id), 0.0) for site_id in sites], limit)

    async def work(self, sites: Iterable[str], limit: int) -> list[IndexEntry]:
        """Sessions of these sites whose question or task may be due."""
        return await self._look([(site_id, self._keys.work(site_id), 0.0) for site_id in sites], limit)

    async def at_work(self, site_id: str) -> list[str]:
        """All sessions of the site that may have an open turn or a live task."""
        lists = await self._client.all(*(command("ZRANGE", key, 0, -1) for key in self._keys.work(site_id)))
        return sorted({member.decode() for members in lists for member in members})

    async def idle(self, idle_ttls: Iterable[tuple[str, float]], limit: int) -> list[IndexEntry]:
        """Sessions that may be idle for longer than their site's seconds."""
        places = [(site_id, (key := self._keys.activity(site_id), key), seconds) for site_id, seconds in idle_ttls]
        return await self._look(places, limit)

    async def _look(self, places: Sequence[tuple[str, tuple[str, str], float]], limit: int) -> list[IndexEntry]:
        commands = [
            _LOOK(keys if keys[0] != keys[1] else keys[:1], limit, seconds * 1_000_000) for _, keys, seconds in places
        ]
        seen: list[IndexEntry] = []
        for (site_id, keys, _), (now, first, second) in zip(places, await self._client.all(*commands), strict=True):
            seen += _seen(site_id, keys, int(now), first, is_second=False)
            seen += _seen(site_id, (keys[1], keys[1]), int(now), second, is_second=True)
        return sorted(seen, key=lambda hint: hint.score)

    async def settle(self, moves: Iterable[tuple[IndexEntry, int | None]]) -> None:
        """Move hints to the second list with a new score, or drop them (None), unless they were renewed."""
        by_keys: dict[tuple[str, str], list[str]] = {}
        for hint, score in moves:
            arguments = by_keys.setdefault(hint.keys, [])
            arguments += (hint.session_id, f"{hint.score:.0f}", "" if score is None else str(score))
        await self._client.all(*(_SETTLE(keys, *arguments) for keys, arguments in by_keys.items()))

    async def put_aside(self, hints: Iterable[IndexEntry]) -> None:
        """No work was found: look again after `grace`, or drop the hint when this was the second look."""
        await self.settle((hint, None if hint.is_second else self.put_aside_until(hint)) for hint in hints)

    def put_aside_until(self, hint: IndexEntry) -> int:
        """The time at which every change that is acknowledged now is stored."""
        return hint.now + self._grace

    def is_settled(self, hint: IndexEntry) -> bool:
        """Whether the change that the hint announced is stored by now, or was never acknowledged."""
        return hint.score <= hint.now - self._grace


def _seen(site_id: str, keys: tuple[str, str], now: int, flat: list[bytes], is_second: bool) -> list[IndexEntry]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [IndexEntry(site_id, member.decode(), keys, float(score), now, is_second) for member, score in pairs]
