"""Taking sessions out of a site's log, with every word that was theirs.

One script takes the session out of all lists and puts its lines into a bin; then the bin is emptied, words first. A
crash in between leaves the bin, which the next erasure of the site empties before it does anything else.
"""

from typing import Any

from backends.records import LogCount
from backends.redis_link import Link
from backends.redis_log_keys import LogKeys, chunks, decode_line, successor_entry, word_entries
from backends.redis_script import Command, Script, command

_ERASE = Script("log_erase")
_DAY = b"day:"
CHANGED = -1
PAGE = 200
MEMBERS = 1000


class Eraser:
    """Erases from one site's log."""

    def __init__(self, link: Link, keys: LogKeys) -> None:
        self._link = link
        self._keys = keys

    async def session(self, session_id: str, tombstone: float) -> int:
        """Erase and bury one session; returns how many lines it had."""
        lines = await self._take_out(session_id, None, int(tombstone * 1000))
        await self._empty_bin(session_id)
        return lines

    async def older(self, before: int, limit: int) -> LogCount:
        """Erase up to `limit` sessions whose last activity is before `before` (ms)."""
        await self._empty_left_bins()
        names = await self._link.one(
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
            flat = await self._link.one(command("HGETALL", self._keys.summary(session_id)))
            summary: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
            lines = await self._link.one(self._erase(session_id, summary, before, tombstone_ms))
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
        for name in await self._link.one(command("ZRANGE", self._keys.binned, 0, -1)):
            await self._empty_bin(name.decode())

    async def _empty_bin(self, session_id: str) -> None:
        key = self._keys.bin(session_id)
        while records := await self._link.one(command("ZRANGE", key, 0, PAGE - 1)):
            entries = [word for record in records for word in word_entries(decode_line(record))]
            removals: list[Any] = [command("ZREM", self._keys.words, *some) for some in chunks(entries, MEMBERS)]
            await self._link.all(*removals)
            await self._link.one(command("ZREM", key, *records))
        await self._link.one(command("ZREM", self._keys.binned, session_id))
