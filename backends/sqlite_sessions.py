"""`SessionStore` on SQLite. Each verb is one job, and so one part of one transaction."""

from collections.abc import Mapping, Sequence
from sqlite3 import Connection

import msgspec
from msgspec.structs import replace

from backends.clock import now_ms
from backends.errors import (
    DuplicateIdConflict,
    NotOwner,
    SessionExists,
    SessionNotFound,
    VersionConflict,
)
from backends.records import (
    Appended,
    Draft,
    Erased,
    LogEntry,
    NewSession,
    Session,
    SessionName,
    SessionRef,
    Snapshot,
    Swept,
    Task,
)
from backends.sqlite_lane import Lane
from backends.sqlite_log import insert_line
from backends.sqlite_rows import Row, find_row, find_task, is_tombstoned
from backends.sqlite_schema import scrub
from backends.text import stamp

_PARTS = ("messages", "keys", "contexts", "tasks")


class SqliteSessions:
    """`inline_log`: the log shares the file, so a line is written in the step that stores its message."""

    def __init__(self, writer: Lane, reader: Lane, inline_log: bool) -> None:
        self._writer = writer
        self._reader = reader
        self._inline_log = inline_log

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        def job(db: Connection) -> Session:
            now = now_ms()
            if is_tombstoned(db, ref.session_id, now):
                raise SessionExists(ref.session_id)
            added = db.execute(
                "INSERT INTO sessions (id, site, visitor, continues, created, activity) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (ref.session_id, ref.site_id, new.visitor_id, new.continues, now, now),
            )
            if added.rowcount != 1:
                raise SessionExists(ref.session_id)
            if new.prior is not None:
                db.execute("INSERT INTO contexts (num, prior) VALUES (?, ?)", (added.lastrowid, new.prior))
            return Session(ref.session_id, ref.site_id, now, now, visitor_id=new.visitor_id, continues=new.continues)

        return await self._writer.run(job)

    async def load(self, ref: SessionRef) -> Session:
        return await self._reader.run(lambda db: find_row(db, ref).session)

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        return await self._reader.run(lambda db: _snapshot(db, find_row(db, ref), since, limit))

    async def claim(self, ref: SessionRef, owner: str, since: int, limit: int) -> Snapshot:
        def job(db: Connection) -> Snapshot:
            row = find_row(db, ref)
            row.session = replace(row.session, epoch=row.session.epoch + 1, owner=owner)
            db.execute("UPDATE sessions SET epoch = ?, owner = ? WHERE num = ?", (row.session.epoch, owner, row.num))
            return _snapshot(db, row, since, limit)

        return await self._writer.run(job)

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        def job(db: Connection) -> bool:
            row = find_row(db, ref)
            left = db.execute(
                "UPDATE sessions SET owner = NULL WHERE num = ? AND epoch = ? AND owner IS NOT NULL", (row.num, epoch)
            )
            return left.rowcount == 1

        return await self._writer.run(job)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        return await self._writer.run(lambda db: self._append(db, ref, draft, epoch))

    def _append(self, db: Connection, ref: SessionRef, draft: Draft, epoch: int | None) -> Appended:
        row = find_row(db, ref)
        if (repeated := _repeated(db, row.num, draft)) is not None:
            return repeated
        _fence(row.session, epoch)
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
            self._log(db, _log_entry(row.session, draft, seq, ts, body))
        return Appended(draft.id, seq, body, created=True)

    def _log(self, db: Connection, entry: LogEntry) -> None:
        if self._inline_log:
            insert_line(db, entry)
        else:
            db.execute(
                "INSERT INTO outbox (session, seq, entry) VALUES (?, ?, ?)",
                (entry.session_id, entry.seq, msgspec.msgpack.encode(entry)),
            )

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        def job(db: Connection) -> list[bytes]:
            found = db.execute(
                "SELECT body FROM messages WHERE num = ? AND seq > ? ORDER BY seq LIMIT ?",
                (find_row(db, ref).num, since, limit),
            )
            return [body for (body,) in found]

        return await self._reader.run(job)

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        def job(db: Connection) -> None:
            row = find_row(db, ref)
            _fence(row.session, epoch)
            db.execute(
                "INSERT INTO contexts (num, context) VALUES (?, ?)"
                " ON CONFLICT (num) DO UPDATE SET context = excluded.context",
                (row.num, context),
            )

        await self._writer.run(job)

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        def job(db: Connection) -> tuple[bytes | None, bytes | None]:
            num = find_row(db, ref).num
            found = db.execute("SELECT context, prior FROM contexts WHERE num = ?", (num,)).fetchone()
            return found if found is not None else (None, None)

        return await self._reader.run(job)

    async def task(self, ref: SessionRef) -> Task | None:
        return await self._reader.run(lambda db: find_task(db, find_row(db, ref).num))

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        def job(db: Connection) -> Task:
            row = find_row(db, ref)
            _fence(row.session, epoch)
            current = find_task(db, row.num)
            version = current.version if current is not None else 0
            if version != expect:
                raise VersionConflict(version)
            db.execute(
                "INSERT OR REPLACE INTO tasks (num, task, status, body, deadline, version) VALUES (?, ?, ?, ?, ?, ?)",
                (row.num, task.task_id, task.status, task.body, task.deadline, version + 1),
            )
            if renews:
                db.execute("UPDATE sessions SET activity = ? WHERE num = ?", (now_ms(), row.num))
            return replace(task, version=version + 1)

        return await self._writer.run(job)

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        def job(db: Connection) -> Session | None:
            row = find_row(db, ref)
            session = row.session
            now = now_ms()
            held = row.lease is not None and now < row.lease_until
            if session.asked <= session.answered or (held and row.lease != worker):
                return None
            if not held:
                session = replace(session, attempts=session.attempts + 1)
            db.execute(
                "UPDATE sessions SET lease = ?, lease_until = ?, attempts = ? WHERE num = ?",
                (worker, now + int(seconds * 1000), session.attempts, row.num),
            )
            return session

        return await self._writer.run(job)

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        def job(db: Connection) -> None:
            db.execute(
                "UPDATE sessions SET lease = NULL, lease_until = 0 WHERE id = ? AND lease = ?", (ref.session_id, worker)
            )

        await self._writer.run(job)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        def job(db: Connection) -> Erased:
            row: Row | None = None
            try:
                row = find_row(db, ref)
            except SessionNotFound:
                if not bury_absent:
                    raise
            db.execute(
                "INSERT OR REPLACE INTO tombstones (id, site, until) VALUES (?, ?, ?)",
                (ref.session_id, ref.site_id, now_ms() + int(tombstone * 1000)),
            )
            outbox = db.execute("DELETE FROM outbox WHERE session = ?", (ref.session_id,)).rowcount
            if row is None:
                return Erased(outbox=outbox)
            tasks = 1 if find_task(db, row.num) is not None else 0
            _erase(db, row.num)
            return Erased(1, row.session.seq, tasks, outbox)

        return await self._writer.run(job, then=scrub)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int) -> Swept:
        return await self._writer.run(lambda db: _sweep(db, idle_ttls, limit))

    async def active(self) -> int:
        return await self._reader.run(lambda db: int(db.execute("SELECT count(*) FROM sessions").fetchone()[0]))

    async def outbox(self, limit: int) -> list[LogEntry]:
        def job(db: Connection) -> list[LogEntry]:
            found = db.execute("SELECT entry FROM outbox ORDER BY evicted DESC, id LIMIT ?", (limit,))
            return [msgspec.msgpack.decode(entry, type=LogEntry) for (entry,) in found]

        return await self._reader.run(job)

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        names = [(entry.session_id, entry.seq) for entry in entries]

        def job(db: Connection) -> None:
            db.executemany("DELETE FROM outbox WHERE session = ? AND seq = ?", names)

        await self._writer.run(job)

    async def outbox_size(self) -> int:
        return await self._reader.run(lambda db: int(db.execute("SELECT count(*) FROM outbox").fetchone()[0]))


def _fence(session: Session, epoch: int | None) -> None:
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


def _snapshot(db: Connection, row: Row, since: int, limit: int) -> Snapshot:
    since = max(since, row.session.seq - limit)
    found = db.execute("SELECT body FROM messages WHERE num = ? AND seq > ? ORDER BY seq", (row.num, since))
    return Snapshot(row.session, [body for (body,) in found], find_task(db, row.num))


def _erase(db: Connection, num: int) -> None:
    for part in _PARTS:
        db.execute(f"DELETE FROM {part} WHERE num = ?", (num,))  # noqa: S608 - names of our own tables
    db.execute("DELETE FROM sessions WHERE num = ?", (num,))


def _sweep(db: Connection, idle_ttls: Mapping[str, float], limit: int) -> Swept:
    now = now_ms()
    db.execute("DELETE FROM tombstones WHERE until <= ?", (now,))
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
    overdue = db.execute(
        "SELECT site, id FROM tasks JOIN sessions USING (num)"
        " WHERE status IN ('running', 'held') AND deadline <= ? LIMIT ?",
        (now, limit),
    ).fetchall()
    orphaned = db.execute(
        "SELECT site, id FROM sessions WHERE asked > answered AND lease_until <= ? LIMIT ?", (now, limit)
    ).fetchall()
    return Swept(
        tuple(evicted),
        tuple(SessionName(*name) for name in overdue),
        tuple(SessionName(*name) for name in orphaned),
    )


def _log_entry(session: Session, draft: Draft, seq: int, ts: int, body: bytes) -> LogEntry:
    return LogEntry(
        site_id=session.site_id,
        session_id=session.session_id,
        seq=seq,
        ts=ts,
        message_id=draft.id,
        role=draft.role,
        text=draft.text,
        body=body,
        started_at=session.created_at,
        kind=draft.kind,
        visitor_id=session.visitor_id,
        continues=session.continues,
    )
