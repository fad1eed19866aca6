"""The stored task: reads it, changes it by compare-and-set, and ends it once."""

from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from backends.base import Messages, Sessions, Tasks
from backends.clock import now_ms
from backends.errors import SessionTaken, StoreUnavailable, VersionConflict
from backends.records import Draft, Person, SessionRef, Task
from leflux import protocol
from leflux.chat.policy import Policy
from leflux.chat.ports import VisitorPort
from leflux.chat.service import reply_key
from leflux.chat.untrusted import INTERNAL_ID
from leflux.tasks import ledger, task_changes
from leflux.tasks.ledger import Change, LedgerRules, ReportRejected
from leflux.tasks.model import Ending, TaskState, decode, encode

CAS_RETRIES = 32


class StoredTask(Struct, frozen=True):
    """A task at the time of one read."""

    record: Task
    state: TaskState


Apply = Callable[[StoredTask], Change]


class TaskEnds(Protocol):
    """Hears of decided ends. `ending` may be called more than once for one; `ended` by the process that stored it."""

    async def ending(self, ref: SessionRef, state: TaskState, seq: int) -> None: ...
    def ended(self, ref: SessionRef, ending: Ending) -> None: ...


class TaskStore(Sessions, Tasks, Messages, Protocol):
    """The part of the session store that tasks use."""


class TaskRepository:
    """Each session's task in the store.

    `vouched(session_id)`: this process renews the task's deadline.
    """

    def __init__(
        self,
        *,
        store: TaskStore,
        policy: Callable[[str], Policy],
        visitors: VisitorPort,
        beat_ms: int,
        vouched: Callable[[str], bool],
        ends: TaskEnds,
        now: Callable[[], int] = now_ms,
    ) -> None:
        self._store = store
        self._policy = policy
        self._visitors = visitors
        self._beat_ms = beat_ms
        self._vouched = vouched
        self._ends = ends
        self.now = now

    def ref(self, site_id: str, session_id: str) -> SessionRef:
        return self._policy(site_id).ref(site_id, session_id)

    def rules(self, site_id: str) -> LedgerRules:
        return LedgerRules(hold=round(self._policy(site_id).task_hold * 1000), beat=self._beat_ms)

    async def find(self, ref: SessionRef) -> StoredTask | None:
        """The session's task, live or ended."""
        record = await self._store.task(ref)
        return None if record is None else StoredTask(record, decode(record.body))

    async def person(self, ref: SessionRef) -> Person | None:
        """Who of the site has the session: until it is handed back, the task waits."""
        return (await self._store.load(ref)).person

    async def live(self, ref: SessionRef, task_id: str | None = None) -> StoredTask:
        """The live task; one whose end is decided is ended first. Raises `ReportRejected`."""
        entry = await self.find(ref)
        if entry is None or task_id not in (None, entry.state.task_id):
            raise ReportRejected("unknown_task", "There is no such task.")
        if entry.state.ending is not None:
            await self._end(ref, entry)
        if entry.state.ending is not None or not entry.state.is_live:
            raise ReportRejected("task_ended", "This task has ended.")
        return entry

    async def change(
        self,
        ref: SessionRef,
        apply: Apply,
        task_id: str | None = None,
        epoch: int | None = None,
        renews: bool = False,
    ) -> Change:
        """Apply a rule to the live task and store the result. Raises `ReportRejected` and the errors of the store.

        A writer that loses a race reads again. A decided end is carried out before this returns.
        """
        for _ in range(CAS_RETRIES):
            entry = await self.live(ref, task_id)
            change = apply(entry)
            if change.state == entry.state:
                return change
            try:
                record = await self.put(ref, change.state, entry.record.version, epoch, renews)
            except VersionConflict:
                continue
            if change.state.ending is not None:
                await self._end(ref, StoredTask(record, change.state))
            return change
        raise StoreUnavailable("too many writers change one task")

    async def put(
        self, ref: SessionRef, state: TaskState, expect: int, epoch: int | None = None, renews: bool = False
    ) -> Task:
        """Store `state` if the version is `expect`. Raises `VersionConflict`."""
        vouched = self._vouched(ref.session_id)
        due = ledger.deadline(state, self.now(), self.rules(ref.site_id), vouched)
        task = Task(state.task_id, state.status, encode(state), due)
        return await self._store.swap_task(ref, task, expect, epoch, renews)

    async def _end(self, ref: SessionRef, entry: StoredTask) -> None:
        """Store the message of a decided end, then the end itself (T5). The process that stores the end tells the
        page.
        """
        state, ending = entry.state, entry.state.ending
        if ending is None:
            return
        draft = _draft(state, ending, self._policy(ref.site_id).message_log)
        try:
            stored = await self._store.append(ref, draft)
        except SessionTaken:
            # A person has closed the question that this end answers: it is told without an answer.
            stored = await self._store.append(ref, _draft(state, replace(ending, closes_turn=None), draft.logged))
        await self._ends.ending(ref, state, stored.seq)
        try:
            await self.put(ref, task_changes.ended(state), entry.record.version)
        except VersionConflict:
            return
        event, payload = _announcement(state, ending, Raw(stored.body))
        await self._visitors.emit(ref.session_id, event, payload, stored.seq)
        self._ends.ended(ref, ending)


def _draft(state: TaskState, ending: Ending, logged: bool) -> Draft:
    kind = "task" if ending.status == "done" else "aborted"
    message = protocol.Message(
        id=str(uuid4()),
        role="system" if ending.follow_up else "assistant",
        text=ending.text,
        kind=kind,
        data=_data(state, ending),
    )
    key = f"{INTERNAL_ID}task:{state.task_id}" if ending.closes_turn is None else reply_key(ending.closes_turn)
    return Draft(
        id=message.id,
        role=message.role,
        text=ending.text,
        body=msgspec.json.encode(message),
        client_message_id=key,
        kind=kind,
        opens_turn=ending.follow_up,
        closes_turn=ending.closes_turn,
        logged=logged,
    )


def _data(state: TaskState, ending: Ending) -> dict[str, Any]:
    data: dict[str, Any] = {"taskId": state.task_id, "status": ending.status}
    if ending.reason is not None:
        data["reason"] = ending.reason
    if ending.follow_up:
        data["followUp"] = True
        data["results"] = [
            {"action": step.action, "description": step.description, "status": step.status} for step in state.steps
        ]
    return data


def _announcement(state: TaskState, ending: Ending, message: Raw) -> tuple[str, protocol.TaskEnd]:
    if ending.status == "done":
        return protocol.TASK_COMPLETE, protocol.TaskEnd(state.task_id, message, summary=task_changes.summary(state))
    return protocol.TASK_ABORTED, protocol.TaskEnd(state.task_id, message, reason=ending.reason or UNSET)
