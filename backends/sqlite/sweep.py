"""How idle sessions leave SQLite, and what else is due, within a transaction."""

from collections.abc import Mapping
from sqlite3 import Connection

from backends.clock import now_ms
from backends.records import SessionName, Swept
from backends.sqlite.rows import erase_parts, forget_evicted


def sweep(db: Connection, idle_ttls: Mapping[str, float], limit: int, keys_for: float) -> Swept:
    """Evict and report (S22)."""
    now = now_ms()
    db.execute("DELETE FROM tombstones WHERE until <= ?", (now,))
    forget_evicted(db, "until <= ?", now)
    _free_dead(db, now)
    evicted = _evict(db, idle_ttls, limit, now, now + int(keys_for * 1000))
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


def _free_dead(db: Connection, now: int) -> None:
    """Drop the leases of workers whose heartbeat has run out (S28)."""
    dead = db.execute("SELECT worker FROM workers WHERE until <= ?", (now,)).fetchall()
    db.executemany(
        "UPDATE sessions SET lease = NULL, lease_until = 0 WHERE asked > answered AND lease_until > 0 AND lease = ?",
        dead,
    )
    db.executemany("DELETE FROM workers WHERE worker = ?", dead)


def _evict(db: Connection, idle_ttls: Mapping[str, float], limit: int, now: int, keys_until: int) -> list[SessionName]:
    evicted: list[SessionName] = []
    for site_id, idle_ttl in idle_ttls.items():
        idle = db.execute(
            "SELECT num, id, continues FROM sessions WHERE site = ? AND activity <= ? LIMIT ?",
            (site_id, now - idle_ttl * 1000, limit - len(evicted)),
        ).fetchall()
        for num, session_id, continues in idle:
            db.execute(
                "INSERT OR REPLACE INTO evicted VALUES (?, ?, ?, ?)", (session_id, site_id, continues, keys_until)
            )
            db.execute(
                "INSERT OR REPLACE INTO evicted_keys SELECT ?, key, seq, message, fingerprint FROM keys"
                " WHERE num = ? AND fingerprint IS NOT NULL",
                (session_id, num),
            )
            erase_parts(db, num)
            db.execute("UPDATE outbox SET evicted = 1 WHERE session = ?", (session_id,))
            evicted.append(SessionName(site_id, session_id))
    return evicted
