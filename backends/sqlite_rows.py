"""From rows to records. A row that cannot be one quarantines its session, not the process."""

from sqlite3 import Connection
from typing import Any, cast

from msgspec import Struct

from backends.clock import now_ms
from backends.errors import SessionCorrupt, SessionDeleted, SessionNotFound
from backends.records import Session, SessionRef, Task

_COLUMNS = (
    "num, id, site, created, activity, seq, epoch, owner, asked, answered, attempts, visitor, continues,"
    " lease, lease_until, last_ts"
)
_FIND = f"SELECT {_COLUMNS} FROM sessions WHERE id = ?"  # noqa: S608 - names of our own columns


class Row(Struct):
    """A session with what only the store knows of it."""

    num: int
    session: Session
    lease: str | None
    lease_until: int
    last_ts: int


def find_row(db: Connection, ref: SessionRef) -> Row:
    """Raises `SessionNotFound`, `SessionCorrupt` or `SessionDeleted` (rules S1, S2)."""
    found = db.execute(_FIND, (ref.session_id,)).fetchone()
    now = now_ms()
    if found is None:
        if is_tombstoned(db, ref.session_id, now, ref.site_id):
            raise SessionDeleted(ref.session_id)
        raise SessionNotFound(ref.session_id)
    row = _decode(found)
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


def _decode(found: tuple[Any, ...]) -> Row:
    num, session_id, site_id, created, activity, seq, epoch, owner, asked, answered, attempts = found[:11]
    visitor, continues, lease, lease_until, last_ts = found[11:]
    numbers = (created, activity, seq, epoch, asked, answered, attempts, lease_until, last_ts)
    texts = (owner, visitor, continues, lease)
    if not all(type(number) is int for number in numbers) or not all(
        text is None or type(text) is str for text in texts
    ):
        raise SessionCorrupt(cast("str", session_id))
    session = Session(
        session_id, site_id, created, activity, seq, epoch, owner, asked, answered, attempts, visitor, continues
    )
    return Row(num, session, lease, lease_until, last_ts)
