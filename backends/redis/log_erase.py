"""Erases sessions from a site's log, with their entries in the index of words.

One script removes the session from all lists and moves its lines to a bin. Then the words of these lines are removed,
and the lines. A bin that a crash leaves is emptied when retention next erases sessions of the site.
"""

from typing import Any

from backends.records import LogCount
from backends.redis.log_keys import LogKeys, chunks, decode_line, erased_entries, successor_entry
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import Command, LuaScript, command

_ERASE = LuaScript("log_erase")
_DAY = b"day:"
CHANGED = -1
PAGE = 200
MEMBERS = 1000


class RedisLogEraser:
    """Erases from one site's log."""

    def __init__(self, client: RedisClient, keys: LogKeys) -> None:
        self._client = client
        self._keys = keys

    async def session(self, session_id: str, tombstone: float) -> int:
        """Erase and bury one session; returns how many lines it had."""
        lines = await self._take_out(session_id, None, int(tombstone * 1000))
        await self._empty_bin(session_id)
        return lines

    async def older(self, before: int, limit: int) -> LogCount:
        """Erase up to `limit` sessions whose last activity is before `before` (ms)."""
        await self._empty_left_bins()
        names = await self._client.one(
            command("ZRANGEBYSCORE", self._keys.activity, "-inf", f"({before}", "LIMIT", 0, max(limit, 0))
        )
        sessions = messages = 0
        for name in names:
            session_id = name.decode()
            lines = await self._take_out(session_id, before, None)
            await self._empty_bin(session_id)
            if lines:
                sessions += 1
                messages += lines
        return LogCount(sessions, messages)

    async def _take_out(self, session_id: str, before: int | None, tombstone_ms: int | None) -> int:
        lines = CHANGED
        while lines == CHANGED:
            flat = await self._client.one(command("HGETALL", self._keys.summary(session_id)))
            summary: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
            lines = await self._client.one(self._erase(session_id, summary, before, tombstone_ms))
        return lines

    def _erase(
        self, session_id: str, summary: dict[bytes, bytes], before: int | None, tombstone_ms: int | None
    ) -> Command:
        keys = self._keys
        days = [int(field.removeprefix(_DAY)) for field in summary if field.startswith(_DAY)]
        counts = [key for day in days for key in (keys.day_messages(day), keys.day_visitors(day))]
        own = (keys.tombstone(session_id), keys.summary(session_id), keys.lines(session_id))
        site_wide = (keys.activity, keys.names, keys.bin(session_id), keys.binned, keys.successors, keys.days)
        continues = summary.get(b"continues")
        return _ERASE(
            (*own, *site_wide, *counts),
            *(session_id, summary.get(b"messages", b"0")),
            *("" if before is None else before, "" if tombstone_ms is None else tombstone_ms),
            "" if continues is None else successor_entry(continues.decode(), session_id),
            *days,
        )

    async def _empty_left_bins(self) -> None:
        for name in await self._client.one(command("ZRANGE", self._keys.binned, 0, -1)):
            await self._empty_bin(name.decode())

    async def _empty_bin(self, session_id: str) -> None:
        key = self._keys.bin(session_id)
        while records := await self._client.one(command("ZRANGE", key, 0, PAGE - 1)):
            entries = [word for record in records for word in erased_entries(decode_line(record))]
            removals: list[Any] = [command("ZREM", self._keys.words, *some) for some in chunks(entries, MEMBERS)]
            await self._client.all(*removals)
            await self._client.one(command("ZREM", key, *records))
        await self._client.one(command("ZREM", self._keys.binned, session_id))
