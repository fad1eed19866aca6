"""A page of the message log, newest activity first, searched by FTS5 so that its cost does not follow the log's length.

A word that few messages have is asked of the index, and their sessions are sorted. A word that many have is looked for
in the sessions themselves, from the page's beginning on: it is common, so the page is soon full.
"""

import json
from sqlite3 import Connection
from typing import Any

from msgspec import structs

from backends.records import LogQuery, LogSession
from backends.text import make_cursor, parse_cursor, terms

SUMMARY = "site, id, started, activity, messages, first_text, visitor, continues"
FEW = 1_000
"""So many matching messages are sorted at once."""
FIRST_BLOCK = 128
"""So many sessions are looked at first; each further look takes twice as many as the one before."""

_NEWEST_FIRST = "ORDER BY activity DESC, id DESC LIMIT ?"


def newest(db: Connection, site_id: str, query: LogQuery, limit: int) -> list[LogSession]:
    """At most `limit` sessions that the query names, in the listing's order (L4)."""
    conditions, values = _bounds(site_id, query)
    match = _match(query.words)
    if match and _is_common(db, match):
        return _walk(db, site_id, query, match, limit)
    if match:
        conditions.append("num IN (SELECT num FROM log_lines WHERE line IN (SELECT rowid FROM log_text(?)))")
        values.append(match)
    rows = db.execute(
        f"SELECT {SUMMARY} FROM log_sessions WHERE {' AND '.join(conditions)} {_NEWEST_FIRST}",  # noqa: S608 - ours
        (*values, limit),
    )
    return [LogSession(*row) for row in rows]


def _bounds(site_id: str, query: LogQuery) -> tuple[list[str], list[Any]]:
    conditions, values = ["site = ?"], [site_id]  # type: tuple[list[str], list[Any]]
    if query.start is not None:
        conditions.append("activity >= ?")
        values.append(query.start)
    if query.end is not None:
        conditions.append("activity < ?")
        values.append(query.end)
    if query.cursor is not None:
        conditions.append("(activity, id) < (?, ?)")
        values += parse_cursor(query.cursor)
    return conditions, values


def _match(text: str) -> str:
    """An FTS5 query of quoted words, so that nothing a person types is an operator; the last one is a prefix."""
    wanted = terms(text)
    return " ".join(f'"{word}"' for word in wanted) + "*" if wanted else ""


def _is_common(db: Connection, match: str) -> bool:
    found = db.execute("SELECT count(*) FROM (SELECT 1 FROM log_text(?) LIMIT ?)", (match, FEW + 1)).fetchone()
    return bool(found[0] > FEW)


def _walk(db: Connection, site_id: str, query: LogQuery, match: str, limit: int) -> list[LogSession]:
    found: list[LogSession] = []
    size = FIRST_BLOCK
    while True:
        conditions, values = _bounds(site_id, query)
        block = db.execute(
            f"SELECT num, {SUMMARY} FROM log_sessions WHERE {' AND '.join(conditions)} {_NEWEST_FIRST}",  # noqa: S608
            (*values, size),
        ).fetchall()
        matching = _matching(db, [num for num, *_ in block], match) if block else set()
        found += [LogSession(*summary) for num, *summary in block if num in matching]
        if len(block) < size or len(found) >= limit:
            return found[:limit]
        last = LogSession(*block[-1][1:])
        query = structs.replace(query, cursor=make_cursor(last.last_activity, last.session_id))
        size *= 2


def _matching(db: Connection, nums: list[int], match: str) -> set[int]:
    """Those of the sessions that have a matching message. The index is read only where their messages stand in it."""
    block = json.dumps(nums)
    low, high = db.execute(
        "SELECT min(line), max(line) FROM log_lines WHERE num IN (SELECT value FROM json_each(?))", (block,)
    ).fetchone()
    rows = db.execute(
        "SELECT DISTINCT num FROM log_lines WHERE num IN (SELECT value FROM json_each(?))"
        " AND line IN (SELECT rowid FROM log_text WHERE log_text MATCH ? AND rowid BETWEEN ? AND ?)",
        (block, match, low, high),
    )
    return {num for (num,) in rows}
