"""Stores a line of the log within a step: the line with its search index, and the session's summary."""

from itertools import accumulate
from typing import Any

from backends.errors import StorageError
from backends.firestore.docs import LogDoc, decode, encode, line_key, site_key
from backends.firestore.rpc import Rpc
from backends.firestore.transaction_queue import Unit
from backends.records import LogEntry
from backends.text import FIRST_TEXT_CHARS, words

DAY_MS = 86_400_000
PREFIX_CHARS = 8
WORD_CHARS = 100
"""A longer word is found by its beginning: Firestore cuts what it indexes at 1,500 bytes."""
MAX_TOKENS = 20_000
MAX_TOKEN_BYTES = 300_000
"""Firestore allows a document 40,000 index entries and 1 MiB; of a very long text the whole words are indexed first."""


def summary_path(rpc: Rpc, site_id: str, session_id: str) -> str:
    return rpc.path("logSessions", site_key(site_id, session_id))


def line_path(rpc: Rpc, entry: LogEntry) -> str:
    return rpc.path("logLines", line_key(entry.site_id, entry.session_id, entry.seq))


def store_line(unit: Unit, rpc: Rpc, entry: LogEntry) -> None:
    """Add a line that is not stored yet. The step has read its summary. A purged session's line is dropped (L2)."""
    path = summary_path(rpc, entry.site_id, entry.session_id)
    summary = _open(unit.get(path), entry, unit.now)
    if summary is None:
        return
    day = str(entry.ts // DAY_MS)
    summary.messages += 1
    summary.activity = max(summary.activity, entry.ts)
    summary.last_seq = max(summary.last_seq, entry.seq)
    summary.days[day] = summary.days.get(day, 0) + 1
    if entry.role == "visitor" and (summary.first_seq is None or entry.seq < summary.first_seq):
        summary.first_text, summary.first_seq = entry.text[:FIRST_TEXT_CHARS], entry.seq
    unit.put(path, summary.encode())
    unit.put(line_path(rpc, entry), _line(entry))


def is_stored(unit: Unit, rpc: Rpc, entry: LogEntry) -> bool:
    """Whether the log holds this line, or a newer one of its session, for a step that appends in order."""
    data = unit.get(summary_path(rpc, entry.site_id, entry.session_id))
    summary = decode(data, LogDoc, entry.session_id) if data is not None else None
    return summary is not None and summary.status == "live" and entry.seq <= summary.last_seq


def _open(data: dict[str, Any] | None, entry: LogEntry, now: int) -> LogDoc | None:
    if data is not None:
        known = decode(data, LogDoc, entry.session_id)
        if known.status == "live":
            return known
        if known.is_tombstone(now) or not known.erased:
            return None
    return LogDoc(
        id=entry.session_id,
        site=entry.site_id,
        started=entry.started_at,
        visitor=entry.visitor_id,
        continues=entry.continues,
    )


def _line(entry: LogEntry) -> dict[str, Any]:
    key = line_key(entry.site_id, entry.session_id, entry.seq)
    return encode(entry) | {"key": key, "at": f"{entry.ts:015}:{key}", "tokens": tokens(entry.text)}


def entry_of(data: dict[str, Any]) -> LogEntry | None:
    """The line of stored data; None when it cannot be read, so that the others can."""
    try:
        return decode(data, LogEntry, "")
    except StorageError:
        return None


def tokens(text: str) -> list[str]:
    """What a line is found by: `=word` for each word, and each word's beginnings up to eight characters."""
    distinct = dict.fromkeys(words(text))
    beginnings = (word[:size] for word in distinct for size in range(1, min(len(word), PREFIX_CHARS) + 1))
    found = dict.fromkeys([*(f"={word[:WORD_CHARS]}" for word in distinct), *beginnings])
    sizes = accumulate(len(token.encode()) for token in found)
    return [token for token, size in zip(found, sizes, strict=True) if size <= MAX_TOKEN_BYTES][:MAX_TOKENS]


def token_of(wanted: list[str]) -> str:
    """The token of a query that names the fewest lines: its longest whole word, else the beginning of the last."""
    whole = wanted[:-1]
    return f"={max(whole, key=len)[:WORD_CHARS]}" if whole else wanted[-1][:PREFIX_CHARS]


def matches(text: str, wanted: list[str]) -> bool:
    """Whether one message holds all words, the last as a prefix (L4)."""
    have = set(words(text))
    return have.issuperset(wanted[:-1]) and any(word.startswith(wanted[-1]) for word in have)
