"""The stored task: read, changed by compare-and-set, ended exactly once."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Raw, Struct

from backends.base import SessionStore
from backends.clock import now_ms
from backends.errors import StoreUnavailable, VersionConflict
from backends.records import Draft, SessionRef, Task
from leflux import wire
from leflux.conversation import INTERNAL_ID, reply_key
from leflux.outlet import Outlet
from leflux.privacy import Policy
from leflux.tasks import ledger
from leflux.tasks.ledger import Change, Refused, Rules
from leflux.tasks.model import Ending, TaskState, decode, encode

CAS_RETRIES = 32


class Entry(Struct, frozen=True):
    """A task as one read saw it."""

    record: Task
    state: TaskState


Apply = Callable[[Entry], Change]


class Book:
    """Keeps each session's task in the store. `on_end(ref, state)` hears of every end, in the process that made it."""

    def __init__(
        self,
        store: SessionStore,
        policy: Callable[[str], Policy],
        outlet: Outlet,
        beat_ms: int,
        vouched: Callable[[str], bool],
        on_end: Callable[[SessionRef, Ending], None],
        now: Callable[[], int] = now_ms,
    ) -> None:
        self._store = store
        self._policy = policy
        self._outlet = outlet
        self._beat_ms = beat_ms
        self._vouched = vouched
        self._on_end = on_end
        self.now = now

    def ref(self, site_id: str, session_id: str) -> SessionRef:
        return SessionRef(site_id, session_id, self._policy(site_id).idle_ttl)

    def rules(self, site_id: str) -> Rules:
        return Rules(hold=round(self._policy(site_id).task_hold * 1000), beat=self._beat_ms)

    async def find(self, ref: SessionRef) -> Entry | None:
        """The session's task, live or ended."""
        record = await self._store.task(ref)
        return None if record is None else Entry(record, decode(record.body))

    async def live(self, ref: SessionRef, task_id: str | None = None) -> Entry:
        """The live task; one whose end is decided is ended first. Raises `Refused`."""
        entry = await self.find(ref)
        if entry is None or task_id not in (None, entry.state.task_id):
            raise Refused("unknown_task", "There is no such task.")
        if entry.state.ending is not None:
            await self._end(ref, entry)
        if entry.state.ending is not None or not entry.state.is_live:
            raise Refused("task_ended", "This task has ended.")
        return entry

    async def change(
        self,
        ref: SessionRef,
        apply: Apply,
        task_id: str | None = None,
        epoch: int | None = None,
        renews: bool = False,
    ) -> Change:
        """Apply a rule to the live task and store what it says. Raises `Refused`, and what the store raises.

        A writer that loses a race reads again. An end that the rule decides is carried out before this returns.
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
                await self._end(ref, Entry(record, change.state))
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

    async def _end(self, ref: SessionRef, entry: Entry) -> None:
        """Store the message of a decided end, then the end itself (T5). Whoever stores the end tells the page."""
        state, ending = entry.state, entry.state.ending
        if ending is None:
            return
        draft = _draft(state, ending, self._policy(ref.site_id).message_log)
        stored = await self._store.append(ref, draft)
        try:
            await self.put(ref, ledger.ended(state), entry.record.version)
        except VersionConflict:
            return
        event, payload = _announcement(state, ending, Raw(stored.body))
        await self._outlet.emit(ref.session_id, event, payload, stored.seq)
        self._on_end(ref, ending)


def _draft(state: TaskState, ending: Ending, logged: bool) -> Draft:
    kind = "task" if ending.status == "done" else "aborted"
    message = wire.Message(
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


def _announcement(state: TaskState, ending: Ending, message: Raw) -> tuple[str, dict[str, Any]]:
    payload: dict[str, Any] = {"taskId": state.task_id, "message": message}
    if ending.status == "done":
        return wire.TASK_COMPLETE, payload | {"summary": ledger.summary(state)}
    return wire.TASK_ABORTED, payload | {"reason": ending.reason}
