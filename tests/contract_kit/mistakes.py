"""Mistakes that authors of stores make, each as a patch of the example store's sessions."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from backends.errors import SessionNotFound
from backends.memory import store as memory
from backends.memory.sessions import MemorySessions
from backends.records import Erased, Session, SessionRef, Snapshot
from tests.contract.example_store import SnapshotFile, SnapshotSessions

Patch = pytest.MonkeyPatch


def wrap(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Replace a method by `change(its former self, the object, its arguments)`."""
    former = getattr(owner, name)

    def changed(self: Any, *arguments: Any, **named: Any) -> Any:
        return change(former, self, *arguments, **named)

    patch.setattr(owner, name, changed)


def a_taken_id_is_overwritten(patch: Patch) -> None:
    async def create(former: Any, self: Any, ref: SessionRef, new: Any) -> Any:
        self._records.pop(ref.session_id, None)
        return await former(self, ref, new)

    wrap(patch, MemorySessions, "create", create)


def a_creation_knows_no_tombstone(patch: Patch) -> None:
    patch.setattr(MemorySessions, "_is_buried", lambda self, session_id, now: False)


def another_site_is_let_in(patch: Patch) -> None:
    def find(former: Any, self: Any, ref: SessionRef, epoch: int | None = None) -> Any:
        record = self._records.get(ref.session_id)
        return former(self, ref if record is None else replace(ref, site_id=record.state.site_id), epoch)

    wrap(patch, MemorySessions, "_find", find)


def a_restore_gives_the_oldest(patch: Patch) -> None:
    def snapshot(record: Any, since: int, limit: int) -> Snapshot:
        return Snapshot(record.state, record.messages[since : since + limit], record.task)

    patch.setattr(memory, "snapshot", snapshot)


def a_restore_takes_three_reads(patch: Patch) -> None:
    async def restore(former: Any, self: Any, ref: SessionRef, since: int, limit: int) -> Any:
        session = (await former(self, ref, 0, 0)).session
        await asyncio.sleep(0)
        messages = (await former(self, ref, since, limit)).messages
        await asyncio.sleep(0)
        return Snapshot(session, messages, (await former(self, ref, 0, 0)).task)

    wrap(patch, MemorySessions, "restore", restore)


def a_claim_raises_no_epoch(patch: Patch) -> None:
    async def claim(former: Any, self: Any, ref: SessionRef, *arguments: Any) -> Any:
        epoch = self._find(ref).state.epoch
        taken = await former(self, ref, *arguments)
        self._find(ref).state = replace(taken.session, epoch=max(1, epoch))
        return replace(taken, session=self._find(ref).state)

    wrap(patch, MemorySessions, "claim", claim)


def a_claim_hides_who_held(patch: Patch) -> None:
    async def claim(former: Any, self: Any, *arguments: Any) -> Any:
        return replace(await former(self, *arguments), taken_from=None)

    wrap(patch, MemorySessions, "claim", claim)


def an_older_socket_releases(patch: Patch) -> None:
    async def release(former: Any, self: Any, ref: SessionRef, epoch: int) -> Any:
        return await former(self, ref, self._find(ref).state.epoch)

    wrap(patch, MemorySessions, "release", release)


def an_older_socket_writes(patch: Patch) -> None:
    def find(former: Any, self: Any, ref: SessionRef, epoch: int | None = None) -> Any:
        return former(self, ref)

    wrap(patch, MemorySessions, "_find", find)


def the_fence_comes_before_the_key(patch: Patch) -> None:
    async def append(former: Any, self: Any, ref: SessionRef, draft: Any, epoch: int | None = None) -> Any:
        self._find(ref, epoch)
        return await former(self, ref, draft, epoch)

    wrap(patch, MemorySessions, "append", append)


def a_repeat_is_stored_again(patch: Patch) -> None:
    patch.setattr(MemorySessions, "_repeated", lambda self, record, draft: None)


def a_repeat_may_have_another_text(patch: Patch) -> None:
    def repeated(former: Any, self: Any, record: Any, draft: Any) -> Any:
        return former(self, record, replace(draft, fingerprint=None))

    wrap(patch, MemorySessions, "_repeated", repeated)


def the_keys_go_with_their_session(patch: Patch) -> None:
    async def sweep(former: Any, self: Any, *arguments: Any) -> Any:
        swept = await former(self, *arguments)
        self._evicted.clear()
        return swept

    wrap(patch, MemorySessions, "sweep", sweep)


def an_append_reads_and_writes_later(patch: Patch) -> None:
    async def append(former: Any, self: Any, ref: SessionRef, draft: Any, epoch: int | None = None) -> Any:
        before = self._find(ref).state
        await asyncio.sleep(0)
        appended = await former(self, ref, draft, epoch)
        record = self._find(ref)
        record.state = replace(record.state, seq=before.seq + 1)
        return appended

    wrap(patch, MemorySessions, "append", append)


def a_claim_between_check_and_write_is_missed(patch: Patch) -> None:
    async def append(former: Any, self: Any, ref: SessionRef, draft: Any, epoch: int | None = None) -> Any:
        self._find(ref, epoch)
        await asyncio.sleep(0)
        return await former(self, ref, draft, None)

    wrap(patch, SnapshotSessions, "append", append)


def an_answer_keeps_the_attempts(patch: Patch) -> None:
    former: Callable[..., Session] = vars(memory)["advanced"]

    def advanced(state: Session, *arguments: Any) -> Session:
        return replace(former(state, *arguments), attempts=state.attempts)

    patch.setattr(memory, "advanced", advanced)


def an_answer_to_an_older_question_moves_back(patch: Patch) -> None:
    former: Callable[..., Session] = vars(memory)["advanced"]

    def advanced(state: Session, draft: Any, *arguments: Any) -> Session:
        moved = former(state, draft, *arguments)
        return moved if draft.closes_turn is None else replace(moved, answered=draft.closes_turn)

    patch.setattr(memory, "advanced", advanced)


def what_is_not_logged_is_logged(patch: Patch) -> None:
    async def append(former: Any, self: Any, ref: SessionRef, draft: Any, epoch: int | None = None) -> Any:
        return await former(self, ref, replace(draft, logged=True), epoch)

    wrap(patch, MemorySessions, "append", append)


def the_line_is_written_later(patch: Patch) -> None:
    def deliver(former: Any, self: Any, entry: Any) -> None:
        asyncio.get_running_loop().call_later(0.01, former, self, entry)

    wrap(patch, MemorySessions, "_deliver", deliver)


def a_task_is_replaced_whatever_its_version(patch: Patch) -> None:
    async def swap(former: Any, self: Any, ref: SessionRef, task: Any, expect: int, *more: Any, **named: Any) -> Any:
        current = self._find(ref).task
        return await former(self, ref, task, 0 if current is None else current.version, *more, **named)

    wrap(patch, MemorySessions, "swap_task", swap)


def a_lease_is_everybodys(patch: Patch) -> None:
    async def lease(former: Any, self: Any, ref: SessionRef, worker: str, seconds: float) -> Any:
        self._find(ref).lease = None
        return await former(self, ref, worker, seconds)

    wrap(patch, MemorySessions, "lease", lease)


def renewing_counts_an_attempt(patch: Patch) -> None:
    async def lease(former: Any, self: Any, ref: SessionRef, worker: str, seconds: float) -> Any:
        record = self._find(ref)
        if record.lease == worker:
            record.lease = None
        return await former(self, ref, worker, seconds)

    wrap(patch, MemorySessions, "lease", lease)


def anybody_gives_a_lease_back(patch: Patch) -> None:
    async def unlease(former: Any, self: Any, ref: SessionRef, worker: str) -> None:
        self._records[ref.session_id].lease = None

    wrap(patch, MemorySessions, "unlease", unlease)


def another_site_gives_a_lease_back(patch: Patch) -> None:
    async def unlease(former: Any, self: Any, ref: SessionRef, worker: str) -> None:
        await former(self, replace(ref, site_id=self._records[ref.session_id].state.site_id), worker)

    wrap(patch, MemorySessions, "unlease", unlease)


def a_deletion_leaves_the_outbox(patch: Patch) -> None:
    async def delete(former: Any, self: Any, *arguments: Any) -> Any:
        waiting = dict(self._outbox)
        erased = await former(self, *arguments)
        self._outbox.update(waiting)
        return erased

    wrap(patch, MemorySessions, "delete", delete)


def a_deletion_leaves_no_tombstone(patch: Patch) -> None:
    async def delete(former: Any, self: Any, ref: SessionRef, *arguments: Any) -> Any:
        erased = await former(self, ref, *arguments)
        self._tombstones.pop(ref.session_id, None)
        return erased

    wrap(patch, MemorySessions, "delete", delete)


def everything_unknown_is_buried(patch: Patch) -> None:
    async def delete(former: Any, self: Any, ref: SessionRef, tombstone: float, bury_absent: bool = False) -> Any:
        erased = await former(self, ref, tombstone, True)
        if not bury_absent and not erased.sessions:
            raise SessionNotFound(ref.session_id)
        return erased

    wrap(patch, MemorySessions, "delete", delete)


def a_burial_looks_and_digs_later(patch: Patch) -> None:
    async def delete(former: Any, self: Any, ref: SessionRef, *arguments: Any, **named: Any) -> Any:
        known = ref.session_id in self._records
        await asyncio.sleep(0)
        record = self._records.get(ref.session_id)
        erased = await former(self, ref, *arguments, **named)
        if not known and record is not None:
            self._records[ref.session_id] = record
            self._tombstones.pop(ref.session_id)
        return erased

    wrap(patch, SnapshotSessions, "delete", delete)


def a_deletion_is_not_listed(patch: Patch) -> None:
    async def deletions(former: Any, self: Any, limit: int) -> list[Any]:
        return []

    wrap(patch, MemorySessions, "deletions", deletions)


def a_deletion_may_not_be_repeated(patch: Patch) -> None:
    async def delete(former: Any, self: Any, ref: SessionRef, *arguments: Any) -> Erased:
        self._find(replace(ref, session_id=ref.session_id)) if ref.session_id in self._tombstones else None
        erased: Erased = await former(self, ref, *arguments)
        return erased

    wrap(patch, MemorySessions, "delete", delete)


def a_sweep_knows_no_limit(patch: Patch) -> None:
    async def sweep(former: Any, self: Any, idle_ttls: Any, limit: int, *more: Any) -> Any:
        return await former(self, idle_ttls, 1_000, *more)

    wrap(patch, MemorySessions, "sweep", sweep)


def what_is_acknowledged_is_in_memory_only(patch: Patch) -> None:
    patch.setattr(SnapshotFile, "save", lambda self: None)
