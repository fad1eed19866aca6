"""The step that stores a message in SQLite, within a transaction."""

from sqlite3 import Connection

import msgspec

from backends.clock import now_ms
from backends.errors import DuplicateIdConflict, NotOwner
from backends.records import Appended, Draft, LogEntry, Session, SessionRef, log_entry
from backends.sqlite_log import insert_line
from backends.sqlite_rows import Row, find_row
from backends.text import stamp


def append(db: Connection, ref: SessionRef, draft: Draft, epoch: int | None, inline_log: bool) -> Appended:
    """One message, with its idempotency key, its turn, and its line in the log or the outbox (S9 to S14)."""
    row = find_row(db, ref)
    if (repeated := _repeated(db, row.num, draft)) is not None:
        return repeated
    fence(row.session, epoch)
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


def _repeated(db: Connection, num: int, draft: Draft) -> Appended | None:
    if draft.client_message_id is None:
        return None
    known = db.execute(
        "SELECT seq, message, fingerprint FROM keys WHERE num = ? AND key = ?", (num, draft.client_message_id)
    ).fetchone()
    if known is None:
        return None
    seq, message_id, fingerprint = known
    if draft.fingerprint is not None and draft.fingerprint != fingerprint:
        raise DuplicateIdConflict(draft.client_message_id)
    body = db.execute("SELECT body FROM messages WHERE num = ? AND seq = ?", (num, seq)).fetchone()[0]
    return Appended(message_id, seq, body, created=False)


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
