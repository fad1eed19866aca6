"""`SessionStore` on PostgreSQL. Each verb is one function of the schema, and so one round trip and one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from backends.base import SessionStore
from backends.postgres.call_pool import CallPool
from backends.postgres.lines import ENTRY, entry_of, first_text, lexemes
from backends.postgres.replies import FunctionReply, blobs, read, session_of, snapshot_of
from backends.postgres.schema import named
from backends.records import (
    MAX_EARLIER,
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

_NOT_LOGGED, _IN_LOG, _IN_OUTBOX = range(3)
_OUTBOX = f"SELECT {ENTRY} FROM leflux.outbox ORDER BY evicted DESC, num LIMIT $1"  # noqa: S608 - our own columns
# Locked in one order, so that two processes that name the same lines do not wait for each other.
_OUTBOX_DONE = """
DELETE FROM leflux.outbox WHERE num IN (
    SELECT o.num FROM leflux.outbox o JOIN unnest($1::text[], $2::bigint[]) AS d (session, seq)
        ON o.session = d.session AND o.seq = d.seq
    ORDER BY o.num FOR UPDATE OF o)
"""


class PostgresSessions(SessionStore):
    """`inline_log`: the log is in the same schema, so a line is written in the step that stores its message."""

    def __init__(self, pool: CallPool, schema: str, inline_log: bool) -> None:
        self._pool = pool
        self._schema = schema
        self._logged = _IN_LOG if inline_log else _IN_OUTBOX

    async def _call(self, function: str, ref: SessionRef, *arguments: Any) -> tuple[FunctionReply, list[bytes | None]]:
        """A function that takes a live session."""
        idle = ref.idle_ttl * 1000.0
        name = f'"{self._schema}".{function}'
        found = await self._pool.call(name, ref.session_id, ref.site_id, idle, *arguments, key=ref.session_id)
        return read(found, ref.session_id), found

    async def _rows(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return await self._pool.rows(named(statement, self._schema), *arguments)

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        arguments = (ref.session_id, ref.site_id, new.visitor_id, new.continues, new.prior)
        name = f'"{self._schema}".create_session'
        return session_of(read(await self._pool.call(name, *arguments, key=ref.session_id), ref.session_id))

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        return snapshot_of(*await self._call("restore", ref, since, limit))

    async def claim(self, ref: SessionRef, holder: str, since: int, limit: int) -> Snapshot:
        return snapshot_of(*await self._call("claim", ref, holder, since, limit))

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        reply, _ = await self._call("release", ref, epoch)
        return reply.done

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        is_inline = draft.logged and self._logged == _IN_LOG
        reply, found = await self._call(
            "append",
            ref,
            epoch,
            draft.id,
            draft.role,
            draft.text.encode() if draft.logged else b"",
            draft.body,
            draft.client_message_id,
            draft.fingerprint,
            draft.kind,
            draft.renews,
            draft.opens_turn,
            draft.closes_turn,
            self._logged if draft.logged else _NOT_LOGGED,
            first_text(draft.role, draft.text) if is_inline else b"",
            lexemes(draft.text) if is_inline else None,
            MAX_EARLIER,
            draft.account,
        )
        return Appended(reply.message, reply.seq, found[1] or b"", reply.status == "ok", reply.earlier)

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        _, found = await self._call("messages_after", ref, since, limit)
        return blobs(found, 1)

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        await self._call("set_context", ref, epoch, context)

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        _, (_, context, prior) = await self._call("context_of", ref)
        return context, prior

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        reply, _ = await self._call(
            "swap_task", ref, epoch, expect, renews, task.task_id, task.status, task.body, task.deadline
        )
        return replace(task, version=reply.version)

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        reply, _ = await self._call("take", ref, account, name, int(silence * 1000), force)
        assert reply.taking is not None
        return reply.taking

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        reply, _ = await self._call("hand_back", ref, account)
        return reply.done

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        reply, _ = await self._call("take_lease", ref, worker, int(seconds * 1000))
        return reply.session

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        name = f'"{self._schema}".give_back'
        await self._pool.call(name, ref.session_id, ref.site_id, worker, key=ref.session_id)

    async def heartbeat(self, worker: str, seconds: float) -> None:
        # The lowest key: the list of workers is locked before any session, as a sweep does it.
        await self._pool.call(f'"{self._schema}".heartbeat', worker, int(seconds * 1000), key="")

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        reply, _ = await self._call("erase_session", ref, float(tombstone), bury_absent)
        return reply.erased

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        sites, idles = list(idle_ttls), [idle_ttl * 1000.0 for idle_ttl in idle_ttls.values()]
        statement = "SELECT leflux.sweep($1::text[], $2::double precision[], $3, $4)"
        [[found]] = await self._rows(statement, sites, idles, limit, int(keys_for * 1000))
        return read(found, "sweep").swept

    async def active(self) -> int:
        return int((await self._rows("SELECT count(*) FROM leflux.sessions"))[0][0])

    async def outbox(self, limit: int) -> list[LogEntry]:
        found = await self._rows(_OUTBOX, limit)
        return [entry_of(row) for row in found]

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        sessions, seqs = [entry.session_id for entry in entries], [entry.seq for entry in entries]
        await self._rows(_OUTBOX_DONE, sessions, seqs)

    async def outbox_size(self) -> int:
        return int((await self._rows("SELECT count(*) FROM leflux.outbox"))[0][0])

    async def deletions(self, limit: int) -> list[Deletion]:
        found = await self._rows("SELECT site, id, tombstone FROM leflux.deletions LIMIT $1", limit)
        return [Deletion(*row) for row in found]

    async def deletion_done(self, deletion: Deletion) -> None:
        statement = "DELETE FROM leflux.deletions WHERE id = $1 AND site = $2"
        await self._rows(statement, deletion.session_id, deletion.site_id)
