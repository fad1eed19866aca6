"""The steps on the rows of SQLite, each within a transaction: find, store, erase.

A row that cannot be decoded quarantines its session, not the process.
"""

from sqlite3 import Connection, sqlite_version_info
from typing import Any, cast

import msgspec
from msgspec import Struct

from backends.clock import now_ms
from backends.errors import NotOwner, SessionCorrupt, SessionDeleted, SessionNotFound
from backends.records import (
    MAX_EARLIER,
    Appended,
    Draft,
    Erased,
    Key,
    LogEntry,
    Session,
    SessionRef,
    Task,
)
from backends.sqlite.take_overs import put_take_over, unpacked
from backends.takeover import TakeOver, admitted
from backends.text import FIRST_TEXT_CHARS, log_entry, stamp, words

DAY_MS = 86_400_000
_COLUMNS = (
    "num, id, site, created, activity, seq, epoch, holder, asked, answered, attempts, visitor, continues,"
    " lease, lease_until, last_ts, take_over"
)
_FIND = f"SELECT {_COLUMNS} FROM sessions WHERE id = ?"  # noqa: S608 - names of our own columns


class Row(Struct):
    """A session with what only the store knows of it."""

    num: int
    session: Session
    lease: str | None
    lease_until: int
    last_ts: int
    take_over: TakeOver | None


def find_row(db: Connection, ref: SessionRef) -> Row:
    """Raises `SessionNotFound`, `SessionCorrupt` or `SessionDeleted` (rules S1, S2)."""
    found = db.execute(_FIND, (ref.session_id,)).fetchone()
    now = now_ms()
    if found is None:
        if is_tombstoned(db, ref.session_id, now, ref.site_id):
            raise SessionDeleted(ref.session_id)
        raise SessionNotFound(ref.session_id)
    row = _decode(found, now)
    if row.session.site_id != ref.site_id or now >= row.session.last_activity + ref.idle_ttl * 1000:
        raise SessionNotFound(ref.session_id)
    return row


def is_tombstoned(db: Connection, session_id: str, now: int, site_id: str | None = None) -> bool:
    """Whether the id was purged, by this site when one is named."""
    graves = db.execute("SELECT site FROM tombstones WHERE id = ? AND until > ?", (session_id, now))
    return any(site_id in (None, site) for (site,) in graves)


def find_task(db: Connection, num: int) -> Task | None:
    found = db.execute("SELECT task, status, body, deadline, version FROM tasks WHERE num = ?", (num,)).fetchone()
    return None if found is None else Task(*found)


def _decode(found: tuple[Any, ...], now: int) -> Row:
    num, session_id, site_id, created, activity, seq, epoch, holder, asked, answered, attempts = found[:11]
    visitor, continues, lease, lease_until, last_ts, packed = found[11:]
    numbers = (created, activity, seq, epoch, asked, answered, attempts, lease_until, last_ts)
    texts = (holder, visitor, continues, lease)
    if not all(type(number) is int for number in numbers) or not all(
        text is None or type(text) is str for text in texts
    ):
        raise SessionCorrupt(cast("str", session_id))
    take_over = None if packed is None else unpacked(packed, session_id)
    session = Session(
        *(session_id, site_id, created, activity, seq, epoch, holder, asked, answered, attempts, visitor, continues),
        person=None if take_over is None else take_over.person(now),
    )
    return Row(num, session, lease, lease_until, last_ts, take_over)


def append(db: Connection, ref: SessionRef, draft: Draft, epoch: int | None, inline_log: bool) -> Appended:
    """One message, with its idempotency key, its question, and its line in the log or the outbox (S9 to S14)."""
    row = find_row(db, ref)
    if (repeated := _repeated(db, row, draft)) is not None:
        return repeated
    fence(row.session, epoch)
    if row.take_over is not None or draft.account is not None:
        draft, take_over = admitted(ref, row.take_over, draft, now_ms(), row.session.seq + 1)
        put_take_over(db, row.num, take_over)
    seq = row.session.seq + 1
    ts = max(now_ms(), row.last_ts)
    body = stamp(draft.body, seq, ts)
    db.execute("INSERT INTO messages (num, seq, body) VALUES (?, ?, ?)", (row.num, seq, body))
    if draft.client_message_id is not None:
        db.execute(
            "INSERT INTO keys (num, key, seq, message, fingerprint) VALUES (?, ?, ?, ?, ?)",
            (row.num, draft.client_message_id, seq, draft.id, draft.fingerprint),
        )
    _advance(db, row, draft, seq, ts)
    if draft.logged:
        _log(db, inline_log, log_entry(row.session, draft, seq, ts, body))
    return Appended(draft.id, seq, body, created=True)


def _log(db: Connection, inline: bool, entry: LogEntry) -> None:
    if inline:
        insert_line(db, entry)
    else:
        db.execute(
            "INSERT INTO outbox (session, site, seq, entry) VALUES (?, ?, ?, ?)",
            (entry.session_id, entry.site_id, entry.seq, msgspec.msgpack.encode(entry)),
        )


def fence(session: Session, epoch: int | None) -> None:
    """Refuse a write of an older epoch (S3)."""
    if epoch is not None and epoch < session.epoch:
        raise NotOwner(session.session_id)


def _repeated(db: Connection, row: Row, draft: Draft) -> Appended | None:
    if draft.client_message_id is None:
        return None
    if (known := _find_key(db, _KEY, row.num, draft)) is not None:
        body = db.execute("SELECT body FROM messages WHERE num = ? AND seq = ?", (row.num, known.seq)).fetchone()[0]
        return known.repeat(draft, body)
    return _repeated_earlier(db, row, draft) if draft.fingerprint is not None else None


_KEY = "SELECT seq, message, fingerprint FROM keys WHERE num = ? AND key = ?"
_EVICTED_KEY = "SELECT seq, message, fingerprint FROM evicted_keys WHERE id = ? AND key = ?"
_EARLIER = "SELECT num, continues FROM sessions WHERE id = ? AND site = ?"
_EVICTED = "SELECT id, continues FROM evicted WHERE id = ? AND site = ? AND until > ?"


def _find_key(db: Connection, query: str, scope: int | str, draft: Draft) -> Key | None:
    found = db.execute(query, (scope, draft.client_message_id)).fetchone()
    return None if found is None else Key(*found)


def _repeated_earlier(db: Connection, row: Row, draft: Draft) -> Appended | None:
    """The message in a session that this one continues, stored or evicted (S25)."""
    name, site_id, now = row.session.continues, row.session.site_id, now_ms()
    for _ in range(MAX_EARLIER):
        query, found = _KEY, db.execute(_EARLIER, (name, site_id)).fetchone()
        if found is None:
            query, found = _EVICTED_KEY, db.execute(_EVICTED, (name, site_id, now)).fetchone()
        if found is None:
            break
        if (known := _find_key(db, query, found[0], draft)) is not None:
            return known.repeat(draft, earlier=name)
        name = found[1]
    return None


def _advance(db: Connection, row: Row, draft: Draft, seq: int, ts: int) -> None:
    session = row.session
    asked = seq if draft.opens_turn else session.asked
    answered = max(session.answered, draft.closes_turn or 0)
    ended = answered >= asked
    db.execute(
        "UPDATE sessions SET seq = ?, last_ts = ?, activity = ?, asked = ?, answered = ?, attempts = ?,"
        " lease = ?, lease_until = ? WHERE num = ?",
        (
            seq,
            ts,
            ts if draft.renews else session.last_activity,
            asked,
            answered,
            0 if draft.closes_turn is not None else session.attempts,
            None if ended else row.lease,
            0 if ended else row.lease_until,
            row.num,
        ),
    )


def insert_line(db: Connection, entry: LogEntry) -> None:
    """One line with its summary, day count and index; a line that is known or whose session was purged is skipped."""
    grave = db.execute(
        "SELECT 1 FROM log_tombstones WHERE id = ? AND site = ? AND until > ?",
        (entry.session_id, entry.site_id, now_ms()),
    ).fetchone()
    if grave is not None:
        return
    num = _session_num(db, entry)
    line = db.execute(
        "INSERT INTO log_lines (num, seq, ts, message, role, kind, text, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (num, seq) DO NOTHING",
        (num, entry.seq, entry.ts, entry.message_id, entry.role, entry.kind, entry.text, entry.body),
    )
    if line.rowcount != 1:
        return
    first = entry.text[:FIRST_TEXT_CHARS] if entry.role == "visitor" else ""
    db.execute(
        "UPDATE log_sessions SET messages = messages + 1, activity = max(activity, ?),"
        " first_text = CASE WHEN first_text = '' THEN ? ELSE first_text END WHERE num = ?",
        (entry.ts, first, num),
    )
    db.execute(
        "INSERT INTO log_days (site, day, num, visitor, messages) VALUES (?, ?, ?, ?, 1)"
        " ON CONFLICT (site, day, num) DO UPDATE SET messages = messages + 1",
        (entry.site_id, entry.ts // DAY_MS, num, entry.visitor_id),
    )
    db.execute("INSERT INTO log_text (rowid, words) VALUES (?, ?)", (line.lastrowid, " ".join(words(entry.text))))


def _session_num(db: Connection, entry: LogEntry) -> int:
    known = db.execute("SELECT num FROM log_sessions WHERE id = ?", (entry.session_id,)).fetchone()
    if known is not None:
        return int(known[0])
    added = db.execute(
        "INSERT INTO log_sessions (id, site, visitor, continues, started, activity, messages, first_text)"
        " VALUES (?, ?, ?, ?, ?, ?, 0, '')",
        (entry.session_id, entry.site_id, entry.visitor_id, entry.continues, entry.started_at, entry.ts),
    )
    return int(added.lastrowid or 0)


_PARTS = ("messages", "keys", "contexts", "tasks", "sessions")


def purge(db: Connection, ref: SessionRef, tombstone: float, bury_absent: bool) -> Erased:
    """Erase a session and its outbox records for good, and leave a tombstone (S20, S21)."""
    name = (ref.session_id, ref.site_id)
    if db.execute("SELECT 1 FROM deletions WHERE id = ? AND site = ?", name).fetchone() is not None:
        return Erased()
    row: Row | None = None
    try:
        row = find_row(db, ref)
    except SessionNotFound:
        if not bury_absent:
            raise
    tasks = 1 if row is not None and find_task(db, row.num) is not None else 0
    # Also what is left of a session that is idle or cannot be read.
    for (num,) in db.execute("SELECT num FROM sessions WHERE id = ? AND site = ?", name).fetchall():
        erase_parts(db, num)
    outbox = db.execute(
        "SELECT count(*), coalesce(min(seq), 0) FROM outbox WHERE session = ? AND site = ?", name
    ).fetchone()
    db.execute("DELETE FROM outbox WHERE session = ? AND site = ?", name)
    forget_evicted(db, "id = ? AND site = ?", *name)
    db.execute("INSERT INTO deletions (id, site, tombstone) VALUES (?, ?, ?)", (*name, tombstone))
    until = now_ms() + int(tombstone * 1000)
    db.execute("INSERT OR REPLACE INTO tombstones (id, site, until) VALUES (?, ?, ?)", (*name, until))
    if row is None:
        return Erased(0, 0, 0, *outbox)
    return Erased(1, row.session.seq, tasks, *outbox)


def erase_parts(db: Connection, num: int) -> None:
    for part in _PARTS:
        db.execute(f"DELETE FROM {part} WHERE num = ?", (num,))  # noqa: S608 - names of our own tables


def forget_evicted(db: Connection, which: str, *values: object) -> None:
    """Drop what outlived the eviction of sessions (S25)."""
    db.execute(f"DELETE FROM evicted_keys WHERE id IN (SELECT id FROM evicted WHERE {which})", values)  # noqa: S608
    db.execute(f"DELETE FROM evicted WHERE {which}", values)  # noqa: S608 - conditions of our own


def scrub(db: Connection) -> None:
    """After an erasure: leave no deleted text in the search index or the write-ahead log.

    An FTS5 that knows no secure deletion keeps deleted words in old segments until they are merged.
    """
    if sqlite_version_info < (3, 42, 0):
        db.execute("INSERT INTO log_text (log_text) VALUES ('optimize')")
    empty_wal(db)


def empty_wal(db: Connection) -> None:
    """After an erasure outside of the log, which leaves the search index alone."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
