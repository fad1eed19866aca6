"""`SessionStore` on Redis: every verb is one script on the keys of one session, sent in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from backends import redis_rows as rows
from backends.errors import (
    DuplicateIdConflict,
    NotOwner,
    SessionCorrupt,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    StorageError,
    VersionConflict,
)
from backends.records import (
    Appended,
    Draft,
    Erased,
    LogEntry,
    NewSession,
    Session,
    SessionRef,
    Snapshot,
    Swept,
    Task,
)
from backends.redis_errors import WrongType
from backends.redis_index import Index
from backends.redis_keys import Keys
from backends.redis_link import Link, bounded
from backends.redis_outbox import Delivery, Outbox
from backends.redis_script import Arg, Script, optional
from backends.redis_sweep import Sweep
from backends.redis_wire import Call

_VERBS = (
    *("create", "load", "restore", "claim", "release", "append", "messages", "set_context", "context"),
    *("task", "swap_task", "lease", "unlease", "delete"),
)
_SCRIPTS = {verb: Script(verb, "session") for verb in _VERBS}
_REFUSALS: dict[bytes, type[StorageError]] = {
    b"not_found": SessionNotFound,
    b"deleted": SessionDeleted,
    b"corrupt": SessionCorrupt,
    b"exists": SessionExists,
    b"not_owner": NotOwner,
}


class RedisSessions:
    """With `delivery`, the log shares the store."""

    def __init__(self, link: Link, keys: Keys, index: Index, outbox: Outbox, delivery: Delivery | None) -> None:
        self._link = link
        self._keys = keys
        self._index = index
        self._outbox = outbox
        self._delivery = delivery
        self._sweep = Sweep(link, keys, index)

    async def _run(self, verb: str, ref: SessionRef, *args: Arg, hint: Call | None = None) -> list[Any]:
        """The reply of the verb's script, whose first part is a code; raises what it refused with.

        A hint is on its way already: where one node has both, nothing is ever stored without its hint (see
        `redis_index`).
        """
        keys = self._keys.session(ref.site_id, ref.session_id)
        reply = await self._link.reply(_SCRIPTS[verb](keys, ref.site_id, ref.idle_ttl * 1000, *args))
        answer = _accepted(ref, reply)
        if hint is not None:
            await self._link.settled(hint)
        return answer

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        fields = (optional(new.visitor_id), optional(new.continues), optional(new.prior))
        keys = self._keys.session(ref.site_id, ref.session_id)
        script = _SCRIPTS["create"](keys, ref.site_id, ref.idle_ttl * 1000, *fields)
        *registered, reply = await self._link.each((*self._index.register(ref.site_id, ref.session_id), script))
        _, now = _accepted(ref, reply)
        for registration in registered:
            if isinstance(registration, StorageError):
                raise registration
        created = int(now)
        return Session(
            ref.session_id, ref.site_id, created, created, visitor_id=new.visitor_id, continues=new.continues
        )

    async def load(self, ref: SessionRef) -> Session:
        _, values = await self._run("load", ref)
        return rows.session(ref, values)

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        return rows.snapshot(ref, (await self._run("restore", ref, since, limit))[1:])

    async def claim(self, ref: SessionRef, owner: str, since: int, limit: int) -> Snapshot:
        return rows.snapshot(ref, (await self._run("claim", ref, since, limit, owner))[1:])

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        _, was_ours = await self._run("release", ref, epoch)
        return bool(was_ours)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        hint = self._index.hint(ref.site_id, ref.session_id, lines=draft.logged, work=draft.opens_turn)
        code, *rest = await self._run(
            "append",
            ref,
            *("" if epoch is None else epoch, draft.id, draft.body),
            *(optional(draft.client_message_id), optional(draft.fingerprint)),
            *(int(draft.renews), int(draft.opens_turn), "" if draft.closes_turn is None else draft.closes_turn),
            rows.line_head(draft) if draft.logged else "",
            hint=hint,
        )
        if code == b"duplicate":
            raise DuplicateIdConflict(draft.client_message_id)
        seq, body, message_id, created = rest
        if draft.logged and self._delivery is not None:
            self._delivery.notice(ref.site_id, ref.session_id)
        return Appended(message_id.decode(), seq, body, created=bool(created))

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        _, found = await self._run("messages", ref, since, limit)
        bodies: list[bytes] = found
        return bodies

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        await self._run("set_context", ref, "" if epoch is None else epoch, context)

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        _, (context, prior) = await self._run("context", ref)
        return context, prior

    async def task(self, ref: SessionRef) -> Task | None:
        _, values, body, _ = await self._run("task", ref)
        return rows.task(ref, values, body)

    async def swap_task(
        self, ref: SessionRef, task: Task, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        is_timed = task.deadline is not None and task.status in ("running", "held")
        code, version = await self._run(
            "swap_task",
            ref,
            *("" if epoch is None else epoch, expect, task.task_id, task.status, task.body),
            *("" if task.deadline is None else task.deadline, int(renews)),
            hint=self._index.hint(ref.site_id, ref.session_id, lines=False, work=is_timed),
        )
        if code == b"conflict":
            raise VersionConflict(version)
        return replace(task, version=version)

    async def lease(self, ref: SessionRef, worker: str, seconds: float) -> Session | None:
        _, values = await self._run("lease", ref, worker, int(seconds * 1000))
        return None if values is None else rows.session(ref, values)

    async def unlease(self, ref: SessionRef, worker: str) -> None:
        hint = self._index.hint(ref.site_id, ref.session_id, lines=False, work=True)
        await self._run("unlease", ref, worker, hint=hint)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        takes_outbox = int(self._delivery is None)
        async with bounded(self._link.deadline):
            _, *counts = await self._run("delete", ref, int(tombstone * 1000), int(bury_absent), takes_outbox)
            await self._link.one(self._index.unregister(ref.site_id, ref.session_id))
        return Erased(*counts)

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int) -> Swept:
        async with bounded(self._link.deadline):
            evicted = await self._sweep.evict(idle_ttls, limit)
            overdue, orphaned = await self._sweep.due(idle_ttls, limit)
            if self._delivery is not None:
                await self._delivery.catch_up()
        return Swept(tuple(evicted), tuple(overdue), tuple(orphaned))

    async def active(self) -> int:
        async with bounded(self._link.deadline):
            return await self._index.registered()

    async def outbox(self, limit: int) -> list[LogEntry]:
        if self._delivery is not None:
            return []
        async with bounded(self._link.deadline):
            return await self._outbox.waiting(limit)

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        if self._delivery is None:
            await self._outbox.drop(entries)

    async def outbox_size(self) -> int:
        if self._delivery is not None:
            return 0
        async with bounded(self._link.deadline):
            return await self._outbox.size()


def _accepted(ref: SessionRef, reply: Any) -> list[Any]:
    if isinstance(reply, list) and reply[0] == b"ok":
        return reply
    if isinstance(reply, WrongType):
        raise SessionCorrupt(ref.session_id) from reply
    if isinstance(reply, StorageError):
        raise reply
    if (refusal := _REFUSALS.get(reply[0])) is not None:
        raise refusal(ref.session_id)
    answer: list[Any] = reply
    return answer
