"""The keys of a site's log, and the commands that store a line.

For each session a summary and its lines by seq; for the site its sessions by activity and by name, the words of all
lines, and the counts of each day. A word entry is `word NUL session NUL seq`, all with score 0, so that a
lexical range finds a word, or all words with a prefix, and a word without lines has no entry.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from backends.records import LogEntry
from backends.redis.keys import Keys
from backends.redis.script import Arg, Command, LuaScript, optional
from backends.text import FIRST_TEXT_CHARS, former_words, words

DAY_MS = 86_400_000
LINES_AT_ONCE = 50
"""Lines in one script, which blocks the server for about a millisecond."""
_LINES = LuaScript("log_lines")
T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


class LogKeys:
    """The keys of one site's log."""

    def __init__(self, keys: Keys, site_id: str) -> None:
        self._keys = keys
        self.site_id = site_id
        self.activity = keys.log(site_id, "activity")
        self.names = keys.log(site_id, "names")
        self.words = keys.log(site_id, "words")
        self.successors = keys.log(site_id, "successors")
        self.days = keys.log(site_id, "days")
        self.binned = keys.log(site_id, "binned")

    def summary(self, session_id: str) -> str:
        return self._keys.log(self.site_id, "summary", session_id)

    def lines(self, session_id: str) -> str:
        return self._keys.log(self.site_id, "lines", session_id)

    def bin(self, session_id: str) -> str:
        """The lines of an erased session until their words are out of the index."""
        return self._keys.log(self.site_id, "bin", session_id)

    def tombstone(self, session_id: str) -> str:
        return self._keys.log(self.site_id, "tombstone", session_id)

    def day_messages(self, day: int) -> str:
        """Message counts by session."""
        return self._keys.log(self.site_id, "day", str(day), "messages")

    def day_visitors(self, day: int) -> str:
        """Visitors by session."""
        return self._keys.log(self.site_id, "day", str(day), "visitors")

    def store(self, entries: Sequence[LogEntry]) -> Iterator[Command]:
        """Write lines with their summaries, counts and words, each once."""
        groups: dict[tuple[str, int], dict[int, LogEntry]] = {}
        for entry in entries:
            groups.setdefault((entry.session_id, entry.ts // DAY_MS), {}).setdefault(entry.seq, entry)
        for (session_id, day), lines in groups.items():
            for some in chunks(list(lines.values()), LINES_AT_ONCE):
                yield self._store(session_id, day, some)

    def _store(self, session_id: str, day: int, lines: list[LogEntry]) -> Command:
        one = lines[0]
        where = (self.tombstone(session_id), self.summary(session_id), self.lines(session_id))
        site_wide = (self.activity, self.names, self.words, self.successors, self.days)
        return _LINES(
            (*where, *site_wide, self.day_messages(day), self.day_visitors(day)),
            *(session_id, one.started_at, day, optional(one.visitor_id), optional(one.continues)),
            "" if one.continues is None else successor_entry(one.continues, session_id),
            *(argument for line in lines for argument in _line(line)),
        )


def _line(entry: LogEntry) -> Iterator[Arg]:
    yield entry.seq
    yield entry.ts
    yield msgspec.msgpack.encode(entry)
    yield optional(entry.text[:FIRST_TEXT_CHARS] if entry.role == "visitor" else None)
    found = word_entries(entry)
    yield len(found)
    yield from found


def word_entries(entry: LogEntry) -> list[bytes]:
    """What the index has of a line."""
    return _entries(entry, words(entry.text))


def erased_entries(entry: LogEntry) -> list[bytes]:
    """What the index may have of a line, whichever version wrote it."""
    return _entries(entry, words(entry.text) + former_words(entry.text))


def _entries(entry: LogEntry, found: list[str]) -> list[bytes]:
    tail = b"\0%s\0%d" % (entry.session_id.encode(), entry.seq)
    return [word.encode() + tail for word in sorted(set(found))]


def successor_entry(continues: str, session_id: str) -> str:
    return f"{continues}\0{session_id}"


def decode_line(record: bytes) -> LogEntry:
    return msgspec.msgpack.decode(record, type=LogEntry)
