"""Runs tasks: what the page reports goes into the ledger, and what the ledger says goes to the page."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from msgspec import Struct

from backends.errors import StorageError, StoreUnavailable, VersionConflict
from backends.records import SessionRef
from leflux import wire
from leflux.outlet import Outlet
from leflux.plans import Plan
from leflux.tasks import ledger, planning, texts
from leflux.tasks.book import Apply, Book, Entry
from leflux.tasks.checks import PlanRefused, check
from leflux.tasks.ledger import Change, Refused
from leflux.tasks.model import TaskState
from leflux.tasks.pages import Pages
from leflux.tasks.planning import Stuck, task_id
from leflux.tasks.watch import Watch
from leflux.wire_tasks import ActionComplete, ActionStarted, ConfirmationResponse, SequenceComplete

log = structlog.get_logger(__name__)

CAS_RETRIES = 8
REJOIN_RETRIES = 5


class Reply(Struct, frozen=True):
    """How a turn ends: the assistant's message. The kind `task` says that a task has begun."""

    text: str
    kind: str | None = None
    data: Any = None


class Tasks:
    """One process's share of running tasks. Every verb may be repeated; `Refused` says what it cannot take.

    `on_resume(site_id)` is called for every task that goes on after its page was away.
    """

    def __init__(
        self, book: Book, pages: Pages, watch: Watch, outlet: Outlet, on_resume: Callable[[str], None]
    ) -> None:
        self._book = book
        self._pages = pages
        self._watch = watch
        self._outlet = outlet
        self._on_resume = on_resume

    async def begin(self, ref: SessionRef, question: wire.StoredMessage, plan: Plan, say: str) -> Reply:
        """Check a plan and store it as the session's task, under an id derived from the question.

        Nothing is sent to the page yet: `announce` does that, once the reply is stored.
        """
        self._watch.add(ref)
        for _ in range(CAS_RETRIES):
            entry = await self._book.find(ref)
            if entry is not None and entry.state.task_id == task_id(ref.session_id, question.seq):
                return _begun(entry.state)
            if entry is not None and entry.state.is_live:
                # One that is over by its deadline, or whose end is only decided, is ended first.
                await self.expire(ref.site_id, ref.session_id)
                entry = await self._book.find(ref)
            if entry is not None and entry.state.is_live:
                return Reply(texts.BUSY, "notice", {"taskId": entry.state.task_id})
            try:
                state = await self._plan(ref, question, plan, say, entry)
            except PlanRefused as refusal:
                log.warning("plan refused", session=ref.session_id[:8], reason=str(refusal))
                return Reply(f"I must not do that: {refusal}.", "error", {"reason": "plan_refused"})
            except Stuck as stuck:
                return Reply(str(stuck), "notice", {"reason": "stuck"})
            try:
                await self._book.put(ref, state, entry.record.version if entry else 0)
            except VersionConflict:
                continue
            return _begun(state)
        raise StoreUnavailable("too many writers change one task")

    async def _plan(
        self, ref: SessionRef, question: wire.StoredMessage, plan: Plan, say: str, before: Entry | None
    ) -> TaskState:
        page = await self._pages.page(ref)
        steps = check(plan.steps, page)
        goes_on = before is not None and _reports_on(question, before.state)
        plans = planning.chain(before.state.plans if before and goes_on else (), steps, page.url)
        rules = self._book.rules(ref.site_id)
        task = task_id(ref.session_id, question.seq)
        return planning.begin(task, plan, steps, page.url, plans, say, self._book.now(), rules)

    async def recover(self, ref: SessionRef, question: wire.StoredMessage) -> Reply | None:
        """The reply to a question whose task was stored before a crash; None when there is no such task."""
        entry = await self._book.find(ref)
        if entry is None or entry.state.task_id != task_id(ref.session_id, question.seq):
            return None
        return _begun(entry.state)

    async def announce(self, ref: SessionRef) -> None:
        """Send a task that has not started yet to its page."""
        entry = await self._book.find(ref)
        if entry is None or not entry.state.is_live or entry.state.ending is not None:
            return
        self._watch.add(ref)
        step = entry.state.next
        if entry.state.question is not None:
            await self._tell(ref, Change(entry.state, "ask"))
        elif step is not None and entry.state.cursor == 0 and step.status == "pending":
            await self._tell(ref, Change(entry.state, "plan", resumed=False))

    async def started(self, ref: SessionRef, epoch: int, report: ActionStarted) -> None:
        """Returns once the store has it: only then may the step run (T1)."""

        def rule(entry: Entry) -> Change:
            return ledger.start(entry.state, report.action_id, epoch, self._book.now(), self._rules(ref))

        await self._apply(ref, rule, epoch, report.task_id)

    async def completed(self, ref: SessionRef, epoch: int, report: ActionComplete) -> None:
        """A step has run or failed. Counts as activity."""

        def rule(entry: Entry) -> Change:
            return ledger.complete(entry.state, report.action_id, report.result, self._book.now(), self._rules(ref))

        await self._apply(ref, rule, epoch, report.task_id, renews=True)

    async def finished(self, ref: SessionRef, epoch: int, report: SequenceComplete) -> None:
        """The page has come to the end of the steps, or was told to stop."""
        try:
            await self._apply(ref, lambda entry: ledger.finish(entry.state, report.result), epoch, report.task_id)
        except Refused as refusal:
            if refusal.reason != "task_ended" or not await self._agrees(ref, report):
                raise

    async def _agrees(self, ref: SessionRef, report: SequenceComplete) -> bool:
        entry = await self._book.find(ref)
        return entry is not None and (entry.state.status == "done") == report.result.success

    async def responded(self, ref: SessionRef, epoch: int, report: ConfirmationResponse) -> None:
        """The visitor has answered by button."""

        def rule(entry: Entry) -> Change:
            now, rules = self._book.now(), self._rules(ref)
            return ledger.respond(entry.state, report.confirmed, now, rules, report.action_id)

        await self._apply(ref, rule, epoch, renews=True)

    async def proceed(self, ref: SessionRef, epoch: int, url: str | None, context: dict[str, Any]) -> None:
        """The page is ready, and has just described itself."""

        def rule(entry: Entry) -> Change:
            return ledger.resume(entry.state, url, epoch, context, self._book.now(), self._rules(ref))

        await self._apply(ref, rule, epoch)

    async def cancel(self, ref: SessionRef, closes_turn: int | None = None) -> None:
        """End the task because the visitor said so; the message of the end may close the turn that said it."""

        def rule(entry: Entry) -> Change:
            return Change(ledger.abort(entry.state, "cancelled", closes_turn=closes_turn))

        await self._apply(ref, rule)

    async def answer(self, ref: SessionRef, confirmed: bool) -> None:
        """The visitor has answered the open question in words."""

        def rule(entry: Entry) -> Change:
            return ledger.respond(entry.state, confirmed, self._book.now(), self._rules(ref))

        await self._apply(ref, rule)

    async def live(self, ref: SessionRef) -> TaskState | None:
        """The task that runs or is held."""
        try:
            return (await self._book.live(ref)).state
        except Refused:
            return None

    async def hold(self, ref: SessionRef, epoch: int) -> None:
        """The socket of `epoch` is gone: its task waits for the page."""
        try:
            await self._book.change(
                ref, lambda entry: ledger.hold(entry.state, self._book.now(), self._rules(ref)), epoch=epoch
            )
        except (Refused, StorageError) as error:
            log.debug("nothing held", session=ref.session_id[:8], error=str(error))

    async def rejoin(self, ref: SessionRef, epoch: int, url: str | None) -> None:
        """A socket has joined at `url`: go on, ask, or end (T3)."""

        def rule(entry: Entry) -> Change:
            now, due = self._book.now(), entry.record.deadline
            overdue = due is not None and now >= due
            return ledger.rejoin(entry.state, url, now, self._rules(ref), overdue)

        for attempt in range(REJOIN_RETRIES):
            try:
                change = await self._apply(ref, rule, epoch)
            except (Refused, StorageError) as error:
                if isinstance(error, StoreUnavailable) and attempt < REJOIN_RETRIES - 1:
                    await asyncio.sleep(0.2 * (attempt + 1))
                    continue
                log.debug("nothing resumed", session=ref.session_id[:8], error=str(error))
                return
            if change.state.status == "running" and change.state.ending is None:
                self._on_resume(ref.site_id)
            return

    async def expire(self, site_id: str, session_id: str) -> None:
        """The store says that the task is overdue. What has happened since is respected."""
        ref = self._book.ref(site_id, session_id)

        def rule(entry: Entry) -> Change:
            now, due = self._book.now(), entry.record.deadline
            if due is None or now < due:
                return Change(entry.state)
            return ledger.expire(entry.state, now)

        try:
            await self._book.change(ref, rule)
        except (Refused, StorageError) as error:
            log.debug("not expired", session=session_id[:8], error=str(error))

    def _rules(self, ref: SessionRef) -> ledger.Rules:
        return self._book.rules(ref.site_id)

    async def _apply(
        self, ref: SessionRef, rule: Apply, epoch: int | None = None, task: str | None = None, renews: bool = False
    ) -> Change:
        self._watch.add(ref)
        change = await self._book.change(ref, rule, task, epoch, renews)
        await self._tell(ref, change)
        return change

    async def _tell(self, ref: SessionRef, change: Change) -> None:
        state, question = change.state, change.state.question
        if change.signal == "ask" and question is not None:
            asked = {
                "taskId": state.task_id,
                "actionId": question.action_id,
                "message": question.message,
                "confirm_label": question.confirm_label,
                "cancel_label": question.cancel_label,
                "kind": question.kind,
            }
            await self._outlet.emit(ref.session_id, wire.CONFIRMATION_REQUIRED, asked)
        elif change.signal == "plan":
            plan = {"taskId": state.task_id, "actions": list(state.steps[state.cursor :]), "isSequence": True}
            plan |= {"message": state.say} if state.say else {}
            plan |= {"resumed": True} if change.resumed else {}
            await self._outlet.emit(ref.session_id, wire.ACTION_PLAN, plan)


def _begun(state: TaskState) -> Reply:
    return Reply(state.say or texts.BEGUN, "task", {"taskId": state.task_id} | state.data)


def _reports_on(question: wire.StoredMessage, state: TaskState) -> bool:
    data = question.data
    return question.role == "system" and isinstance(data, dict) and data.get("taskId") == state.task_id
