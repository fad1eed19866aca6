"""`SessionStore` on SQLite. Each verb is one job, and so one part of one transaction."""

from collections.abc import Mapping, Sequence
from sqlite3 import Connection

import msgspec
from msgspec.structs import replace

from backends.base import SessionStore
from backends.clock import now_ms
from backends.errors import SessionExists, VersionConflict
from backends.records import (
    Appended,
    Deletion,
    Draft,
    Erased,
    LogEntry,
    NewSession,
    Session,
    SessionRef,
    Snapshot,
    Swept,
    Taking,
    Task,
)
from backends.sqlite.log import ErasureList
from backends.sqlite.rows import Row, append, empty_wal, fence, find_row, find_task, is_tombstoned, purge, scrub
from backends.sqlite.sweep import sweep
from backends.sqlite.take_overs import close_open, put_take_over
from backends.sqlite.writer_thread import WriterThread
from backends.takeover import Taker, handed_back, taken


class SqliteSessions(SessionStore):
    """`inline_log`: the log shares the file, so a line is written in the step that stores its message."""

    def __init__(self, writer: WriterThread, reader: WriterThread, inline_log: bool, erasures: ErasureList) -> None:
        self._erasures = erasures
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

    async def claim(self, ref: SessionRef, holder: str, since: int, limit: int) -> Snapshot:
        def job(db: Connection) -> Snapshot:
            row = find_row(db, ref)
            taken_from = row.session.holder
            row.session = replace(row.session, epoch=row.session.epoch + 1, holder=holder)
            db.execute("UPDATE sessions SET epoch = ?, holder = ? WHERE num = ?", (row.session.epoch, holder, row.num))
            return replace(_snapshot(db, row, since, limit), taken_from=taken_from)

        return await self._writer.run(job)

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        def job(db: Connection) -> bool:
            row = find_row(db, ref)
            left = db.execute(
                "UPDATE sessions SET holder = NULL WHERE num = ? AND epoch = ? AND holder IS NOT NULL", (row.num, epoch)
            )
            return left.rowcount == 1

        return await self._writer.run(job)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        return await self._writer.run(lambda db: append(db, ref, draft, epoch, self._inline_log))

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
            fence(row.session, epoch)
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

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        def job(db: Connection) -> Taking:
            row = find_row(db, ref)
            taker = Taker(account, name, silence, force)
            after, taking = taken(ref, row.take_over, taker, row.session.seq, now_ms())
            put_take_over(db, row.num, after)
            close_open(db, row.num)
            return taking

        return await self._writer.run(job)

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        def job(db: Connection) -> bool:
            row = find_row(db, ref)
            if (after := handed_back(row.take_over, account, now_ms())) is None:
                return False
            put_take_over(db, row.num, after)
            return True

        return await self._writer.run(job)

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        def job(db: Connection) -> Task:
            row = find_row(db, ref)
            fence(row.session, epoch)
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
                "UPDATE sessions SET lease = NULL, lease_until = 0 WHERE id = ? AND site = ? AND lease = ?",
                (ref.session_id, ref.site_id, worker),
            )

        await self._writer.run(job)

    async def heartbeat(self, worker: str, seconds: float) -> None:
        def job(db: Connection) -> None:
            if seconds:
                until = now_ms() + int(seconds * 1000)
                db.execute("INSERT OR REPLACE INTO workers VALUES (?, ?)", (worker, until))
            else:
                db.execute("DELETE FROM workers WHERE worker = ?", (worker,))

        await self._writer.run(job)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        def job(db: Connection) -> Erased:
            erased = purge(db, ref, tombstone, bury_absent)
            self._erasures.add(ref.site_id, ref.session_id)
            return erased

        return await self._writer.run(job, then=scrub)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        swept = await self._writer.run(lambda db: sweep(db, idle_ttls, limit, keys_for))
        if swept.evicted:
            await self._empty_wal()
        return swept

    async def _empty_wal(self) -> None:
        await self._writer.run(lambda _: None, then=empty_wal)

    async def active(self) -> int:
        return await self._reader.run(lambda db: int(db.execute("SELECT count(*) FROM sessions").fetchone()[0]))

    async def outbox(self, limit: int) -> list[LogEntry]:
        def job(db: Connection) -> list[LogEntry]:
            found = db.execute("SELECT entry FROM outbox ORDER BY evicted DESC, id LIMIT ?", (limit,))
            return [msgspec.msgpack.decode(entry, type=LogEntry) for (entry,) in found]

        return await self._reader.run(job)

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        names = [(entry.session_id, entry.seq) for entry in entries]

        def job(db: Connection) -> bool:
            gone = [
                db.execute("DELETE FROM outbox WHERE session = ? AND seq = ? RETURNING evicted", name).fetchone()
                for name in names
            ]
            return any(row is not None and row[0] for row in gone)

        # The sessions of these lines are gone, so nothing else holds their words.
        if await self._writer.run(job):
            await self._empty_wal()

    async def outbox_size(self) -> int:
        return await self._reader.run(lambda db: int(db.execute("SELECT count(*) FROM outbox").fetchone()[0]))

    async def deletions(self, limit: int) -> list[Deletion]:
        def job(db: Connection) -> list[Deletion]:
            return [Deletion(*row) for row in db.execute("SELECT site, id, tombstone FROM deletions LIMIT ?", (limit,))]

        return await self._reader.run(job)

    async def deletion_done(self, deletion: Deletion) -> None:
        name = (deletion.session_id, deletion.site_id)

        def job(db: Connection) -> None:
            db.execute("DELETE FROM deletions WHERE id = ? AND site = ?", name)

        # The erasure is complete: what its rooms have removed from other tables leaves the write-ahead log, too.
        await self._writer.run(job, then=empty_wal)


def _snapshot(db: Connection, row: Row, since: int, limit: int) -> Snapshot:
    since = max(since, row.session.seq - limit)
    found = db.execute("SELECT body FROM messages WHERE num = ? AND seq > ? ORDER BY seq", (row.num, since))
    return Snapshot(row.session, [body for (body,) in found], find_task(db, row.num))
