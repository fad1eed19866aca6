"""`SessionStore` on Redis: every verb is one script on the keys of one session, sent in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from backends.base import SessionStore
from backends.errors import (
    DuplicateIdConflict,
    NotOwner,
    NotTaken,
    SessionCorrupt,
    SessionDeleted,
    SessionExists,
    SessionNotFound,
    SessionTaken,
    StorageError,
    VersionConflict,
)
from backends.records import (
    MAX_EARLIER,
    Appended,
    Deletion,
    Draft,
    Erased,
    Key,
    LogEntry,
    NewSession,
    Session,
    SessionRef,
    Snapshot,
    Swept,
    Taking,
    Task,
)
from backends.redis import rows
from backends.redis.connection import PendingCall
from backends.redis.errors import WrongType
from backends.redis.index import SessionIndex
from backends.redis.keys import Keys
from backends.redis.node_pipeline import RedisClient, bounded
from backends.redis.outbox import Delivery, RedisOutbox
from backends.redis.script import Arg, LuaScript, command, optional
from backends.redis.sweep import Sweep
from backends.redis.workers import RedisWorkers

_VERBS = (
    *("create", "restore", "claim", "release", "append", "messages", "set_context", "context"),
    *("swap_task", "lease", "unlease", "delete", "confirm", "earlier"),
    *("take", "hand_back"),
)
_SCRIPTS = {verb: LuaScript(verb, "session") for verb in _VERBS}
_REFUSALS: dict[bytes, type[StorageError]] = {
    b"not_found": SessionNotFound,
    b"deleted": SessionDeleted,
    b"corrupt": SessionCorrupt,
    b"exists": SessionExists,
    b"not_owner": NotOwner,
    b"not_taken": NotTaken,
}


class RedisSessions(SessionStore):
    """With `delivery`, the log shares the store."""

    def __init__(
        self, client: RedisClient, keys: Keys, index: SessionIndex, outbox: RedisOutbox, delivery: Delivery | None
    ) -> None:
        self._client = client
        self._keys = keys
        self._index = index
        self._outbox = outbox
        self._delivery = delivery
        self._sweep = Sweep(client, keys, index)
        self._workers = RedisWorkers(client, keys, index)

    async def _run(self, verb: str, ref: SessionRef, *args: Arg, hint: PendingCall | None = None) -> list[Any]:
        """Run the verb's script. Returns its reply, which begins with a code, or raises its error.

        A hint is sent before the script: on one node, nothing is stored without its hint (see `index.py`).
        """
        keys = self._keys.session(ref.site_id, ref.session_id)
        reply = await self._client.reply(_SCRIPTS[verb](keys, ref.site_id, ref.idle_ttl * 1000, *args))
        answer = _accepted(ref, reply)
        if hint is not None:
            await self._client.settled(hint)
        return answer

    async def create(self, ref: SessionRef, new: NewSession) -> Session:
        fields = (optional(new.visitor_id), optional(new.continues), optional(new.prior))
        keys = self._keys.session(ref.site_id, ref.session_id)
        script = _SCRIPTS["create"](keys, ref.site_id, ref.idle_ttl * 1000, *fields)
        *registered, reply = await self._client.each((*self._index.register(ref.site_id, ref.session_id), script))
        _, now = _accepted(ref, reply)
        for registration in registered:
            if isinstance(registration, StorageError):
                raise registration
        created = int(now)
        return Session(
            ref.session_id, ref.site_id, created, created, visitor_id=new.visitor_id, continues=new.continues
        )

    async def restore(self, ref: SessionRef, since: int, limit: int) -> Snapshot:
        return rows.snapshot(ref, (await self._run("restore", ref, since, limit))[1:])

    async def claim(self, ref: SessionRef, holder: str, since: int, limit: int) -> Snapshot:
        return rows.snapshot(ref, (await self._run("claim", ref, since, limit, holder))[1:])

    async def release(self, ref: SessionRef, epoch: int) -> bool:
        _, was_ours = await self._run("release", ref, epoch)
        return bool(was_ours)

    async def append(self, ref: SessionRef, draft: Draft, epoch: int | None = None) -> Appended:
        hint = self._index.hint(ref.site_id, ref.session_id, lines=draft.logged, work=draft.opens_turn)
        arguments: tuple[Arg, ...] = (
            *("" if epoch is None else epoch, draft.id, draft.body),
            *(optional(draft.client_message_id), optional(draft.fingerprint)),
            *(int(draft.renews), int(draft.opens_turn), "" if draft.closes_turn is None else draft.closes_turn),
            rows.line_head(draft) if draft.logged else "",
        )
        account = optional(draft.account)
        code, *rest = await self._run("append", ref, *arguments, 0, account, hint=hint)
        if code == b"continues":
            if (repeated := await self._repeated_earlier(ref, draft, rest[0].decode())) is not None:
                return repeated
            code, *rest = await self._run("append", ref, *arguments, 1, account)
        if code == b"duplicate":
            raise DuplicateIdConflict(draft.client_message_id)
        seq, body, message_id, created = rest
        if draft.logged and self._delivery is not None:
            self._delivery.notice(ref.site_id, ref.session_id)
        return Appended(message_id.decode(), seq, body, created=bool(created))

    async def _repeated_earlier(self, ref: SessionRef, draft: Draft, earlier: str) -> Appended | None:
        """The message in a session that this one continues, stored or evicted (S25)."""
        for _ in range(MAX_EARLIER):
            asked = SessionRef(ref.site_id, earlier, ref.idle_ttl)
            _, known, before = await self._run("earlier", asked, draft.client_message_id or "")
            if known is not None and known[2] is not None:
                seq, message, fingerprint = known
                return Key(seq, message.decode(), fingerprint.decode()).repeat(draft, earlier=earlier)
            if before is None:
                break
            earlier = before.decode()
        return None

    async def messages(self, ref: SessionRef, since: int, limit: int) -> list[bytes]:
        _, found = await self._run("messages", ref, since, limit)
        bodies: list[bytes] = found
        return bodies

    async def set_context(self, ref: SessionRef, context: bytes, epoch: int | None = None) -> None:
        await self._run("set_context", ref, "" if epoch is None else epoch, context)

    async def context(self, ref: SessionRef) -> tuple[bytes | None, bytes | None]:
        _, (context, prior) = await self._run("context", ref)
        return context, prior

    async def take(self, ref: SessionRef, account: str, name: str, silence: float, force: bool = False) -> Taking:
        _, now, before, is_new = await self._run("take", ref, account, name, int(silence * 1000), int(force))
        return rows.taking(ref, now, before, is_new=bool(is_new))

    async def hand_back(self, ref: SessionRef, account: str) -> bool:
        _, was_theirs = await self._run("hand_back", ref, account)
        return bool(was_theirs)

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

    async def heartbeat(self, worker: str, seconds: float) -> None:
        await self._workers.heartbeat(worker, seconds)

    async def delete(self, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Erased:
        takes_outbox = int(self._delivery is None)
        pending = self._keys.deletions(ref.site_id)
        async with bounded(self._client.deadline):
            # Stored first: when the process dies in between, the sweeper completes the deletion.
            _, is_new = await self._client.all(
                command("SADD", self._keys.sites(), ref.site_id),
                command("ZADD", pending, "NX", tombstone, ref.session_id),
            )
            try:
                code, *counts = await self._run("delete", ref, int(tombstone * 1000), int(bury_absent), takes_outbox)
            except (SessionNotFound, SessionDeleted):
                if is_new:
                    await self._client.one(command("ZREM", pending, ref.session_id))
                raise
            if code == b"pending":
                return Erased()
            await self._client.one(self._index.unregister(ref.site_id, ref.session_id))
        return Erased(*counts)

    async def deletions(self, limit: int) -> list[Deletion]:
        async with bounded(self._client.deadline):
            sites = await self._index.sites()
            ranges = [command("ZRANGE", self._keys.deletions(name), 0, limit - 1, "WITHSCORES") for name in sites]
            replies = await self._client.all(*ranges)
        return [
            Deletion(site_id, session_id.decode(), float(tombstone))
            for site_id, flat in zip(sites, replies, strict=True)
            for session_id, tombstone in zip(flat[::2], flat[1::2], strict=True)
        ][:limit]

    async def deletion_done(self, deletion: Deletion) -> None:
        await self._run("confirm", SessionRef(deletion.site_id, deletion.session_id, 0.0))
        await self._client.one(command("ZREM", self._keys.deletions(deletion.site_id), deletion.session_id))

    async def sweep(self, idle_ttls: Mapping[str, float], limit: int, keys_for: float = 0.0) -> Swept:
        async with bounded(self._client.deadline):
            await self._workers.free_dead()
            evicted = await self._sweep.evict(idle_ttls, limit, keys_for)
            overdue, orphaned = await self._sweep.due(idle_ttls, limit)
            if self._delivery is not None:
                await self._delivery.catch_up()
        return Swept(tuple(evicted), tuple(overdue), tuple(orphaned))

    async def active(self) -> int:
        async with bounded(self._client.deadline):
            return await self._index.registered()

    async def outbox(self, limit: int) -> list[LogEntry]:
        if self._delivery is not None:
            return []
        async with bounded(self._client.deadline):
            return await self._outbox.waiting(limit)

    async def outbox_done(self, entries: Sequence[LogEntry]) -> None:
        if self._delivery is None:
            await self._outbox.drop(entries)

    async def outbox_size(self) -> int:
        if self._delivery is not None:
            return 0
        async with bounded(self._client.deadline):
            return await self._outbox.size()


def _accepted(ref: SessionRef, reply: Any) -> list[Any]:
    if isinstance(reply, list) and reply[0] == b"ok":
        return reply
    if isinstance(reply, WrongType):
        raise SessionCorrupt(ref.session_id) from reply
    if isinstance(reply, StorageError):
        raise reply
    if reply[0] == b"taken":
        raise SessionTaken(ref.session_id, reply[1].decode(), reply[2])
    if (refusal := _REFUSALS.get(reply[0])) is not None:
        raise refusal(ref.session_id)
    answer: list[Any] = reply
    return answer
