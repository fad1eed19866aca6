"""How sessions leave SQLite, within a transaction: by a purge, or by the sweep that also finds what is due."""

from collections.abc import Mapping
from sqlite3 import Connection

from backends.clock import now_ms
from backends.errors import SessionNotFound
from backends.records import Erased, SessionName, SessionRef, Swept
from backends.sqlite_rows import Row, find_row, find_task

_PARTS = ("messages", "keys", "contexts", "tasks", "sessions")


def purge(db: Connection, ref: SessionRef, tombstone: float, bury_absent: bool) -> Erased:
    """Erase a session and its outbox records for good, and leave a tombstone (S20, S21)."""
    row: Row | None = None
    try:
        row = find_row(db, ref)
    except SessionNotFound:
        if not bury_absent:
            raise
    name = (ref.session_id, ref.site_id)
    tasks = 1 if row is not None and find_task(db, row.num) is not None else 0
    # Also what is left of a session that is idle or cannot be read.
    for (num,) in db.execute("SELECT num FROM sessions WHERE id = ? AND site = ?", name).fetchall():
        _erase(db, num)
    outbox = db.execute(
        "SELECT count(*), coalesce(min(seq), 0) FROM outbox WHERE session = ? AND site = ?", name
    ).fetchone()
    db.execute("DELETE FROM outbox WHERE session = ? AND site = ?", name)
    until = now_ms() + int(tombstone * 1000)
    db.execute("INSERT OR REPLACE INTO tombstones (id, site, until) VALUES (?, ?, ?)", (*name, until))
    if row is None:
        return Erased(0, 0, 0, *outbox)
    return Erased(1, row.session.seq, tasks, *outbox)


def _erase(db: Connection, num: int) -> None:
    for part in _PARTS:
        db.execute(f"DELETE FROM {part} WHERE num = ?", (num,))  # noqa: S608 - names of our own tables


def sweep(db: Connection, idle_ttls: Mapping[str, float], limit: int) -> Swept:
    """Evict and report (S22)."""
    now = now_ms()
    db.execute("DELETE FROM tombstones WHERE until <= ?", (now,))
    evicted = _evict(db, idle_ttls, limit, now)
    sites = ", ".join("?" * len(idle_ttls))
    overdue = db.execute(
        "SELECT site, id FROM tasks JOIN sessions USING (num)"  # noqa: S608 - question marks only
        f" WHERE status IN ('running', 'held') AND deadline <= ? AND site IN ({sites}) LIMIT ?",
        (now, *idle_ttls, limit),
    ).fetchall()
    orphaned = db.execute(
        f"SELECT site, id FROM sessions WHERE asked > answered AND lease_until <= ? AND site IN ({sites}) LIMIT ?",  # noqa: S608
        (now, *idle_ttls, limit),
    ).fetchall()
    return Swept(
        tuple(evicted),
        tuple(SessionName(*name) for name in overdue),
        tuple(SessionName(*name) for name in orphaned),
    )


def _evict(db: Connection, idle_ttls: Mapping[str, float], limit: int, now: int) -> list[SessionName]:
    evicted: list[SessionName] = []
    for site_id, idle_ttl in idle_ttls.items():
        idle = db.execute(
            "SELECT num, id FROM sessions WHERE site = ? AND activity <= ? LIMIT ?",
            (site_id, now - idle_ttl * 1000, limit - len(evicted)),
        ).fetchall()
        for num, session_id in idle:
            _erase(db, num)
            db.execute("UPDATE outbox SET evicted = 1 WHERE session = ?", (session_id,))
            evicted.append(SessionName(site_id, session_id))
    return evicted
