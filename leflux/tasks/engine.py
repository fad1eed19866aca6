"""Runs tasks: applies the reports of the page to the ledger, and sends the ledger's next steps to the page."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from backends.errors import StorageError, StoreUnavailable, VersionConflict
from backends.records import Person, SessionRef
from leflux import protocol
from leflux.chat.ports import VisitorPort
from leflux.protocol import ActionComplete, ActionStarted, ConfirmationResponse, SequenceComplete
from leflux.tasks import ledger, planning, task_changes, texts
from leflux.tasks.announcements import announcement
from leflux.tasks.checks import PlanRefused, check
from leflux.tasks.consent import guard
from leflux.tasks.current_page import CurrentPages
from leflux.tasks.heartbeat import Heartbeat
from leflux.tasks.journal import Arrival, read, rejoin
from leflux.tasks.ledger import Change, ReportRejected
from leflux.tasks.model import TaskState
from leflux.tasks.planning import Stuck, task_id
from leflux.tasks.plans import Plan
from leflux.tasks.repository import Apply, StoredTask, TaskRepository
from leflux.tasks.targets import pinned

log = structlog.get_logger(__name__)

CAS_RETRIES = 8
REJOIN_RETRIES = 5


class Reply(Struct, frozen=True):
    """The answer to a question. The kind `task` says that a task has begun."""

    text: str
    kind: str | None = None
    data: Any = None


class TaskEngine:
    """Runs the tasks of one process. Every call may be repeated. `ReportRejected` is raised for a report that does not
    fit.

    `on_resume(site_id)` is called for every task that continues after its page was away.
    """

    def __init__(
        self,
        *,
        repository: TaskRepository,
        pages: CurrentPages,
        heartbeat: Heartbeat,
        visitors: VisitorPort,
        on_resume: Callable[[str], None],
    ) -> None:
        self._repository = repository
        self._pages = pages
        self._heartbeat = heartbeat
        self._visitors = visitors
        self._on_resume = on_resume

    async def begin(self, ref: SessionRef, question: protocol.StoredMessage, plan: Plan, say: str) -> Reply:
        """Check a plan and store it as the session's task, under an id that is derived from the question.

        Nothing is sent to the page yet: `announce` does that after the reply is stored.
        """
        self._heartbeat.add(ref)
        for _ in range(CAS_RETRIES):
            entry = await self._repository.find(ref)
            if entry is not None and entry.state.task_id == task_id(ref.session_id, question.seq):
                return _begun(entry.state)
            if entry is not None and entry.state.is_live:
                # End a task that is overdue, or whose end is decided, before another one begins.
                await self.expire(ref.site_id, ref.session_id)
                entry = await self._repository.find(ref)
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
                await self._repository.put(ref, state, entry.record.version if entry else 0)
            except VersionConflict:
                continue
            return _begun(state)
        raise StoreUnavailable("too many writers change one task")

    async def _plan(
        self, ref: SessionRef, question: protocol.StoredMessage, plan: Plan, say: str, before: StoredTask | None
    ) -> TaskState:
        page = await self._pages.page(ref)
        steps = check(plan.steps, page)
        if not plan.by_owner:
            steps, confirm = guard(steps, page.context, plan.confirm)
            plan = replace(plan, confirm=confirm)
        goes_on = before is not None and _reports_on(question, before.state)
        plans = planning.chain(before.state.plans if before and goes_on else (), steps, page.url)
        rules = self._repository.rules(ref.site_id)
        task = task_id(ref.session_id, question.seq)
        return planning.begin(task, plan, steps, page.url, plans, say, self._repository.now(), rules)

    async def recover(self, ref: SessionRef, question: protocol.StoredMessage) -> Reply | None:
        """The reply to a question whose task was stored before a crash; None when there is no such task."""
        entry = await self._repository.find(ref)
        if entry is None or entry.state.task_id != task_id(ref.session_id, question.seq):
            return None
        return _begun(entry.state)

    async def announce(self, ref: SessionRef) -> None:
        """Send a task that has not started yet to its page."""
        entry = await self._repository.find(ref)
        if entry is None or not entry.state.is_live or entry.state.ending is not None:
            return
        self._heartbeat.add(ref)
        step = entry.state.next
        if entry.state.question is not None:
            await self._tell(ref, Change(entry.state, "ask"))
        elif step is not None and entry.state.cursor == 0 and step.status == "pending":
            await self._tell(ref, Change(entry.state, "plan", resumed=False))

    async def started(self, ref: SessionRef, epoch: int, report: ActionStarted, page: str = "") -> None:
        """Store that a step is about to run. The step may run after this returns (T1)."""

        def rule(entry: StoredTask) -> Change:
            return ledger.start(entry.state, report.action_id, epoch, self._repository.now(), self._rules(ref), page)

        await self._apply(ref, rule, epoch, report.task_id)

    async def completed(self, ref: SessionRef, epoch: int, report: ActionComplete) -> None:
        """Store that a step has run or failed. This is activity."""

        def rule(entry: StoredTask) -> Change:
            return ledger.complete(
                entry.state, report.action_id, report.result, self._repository.now(), self._rules(ref)
            )

        await self._apply(ref, rule, epoch, report.task_id, renews=True)

    async def finished(self, ref: SessionRef, epoch: int, report: SequenceComplete) -> None:
        """The page has run all steps, or was told to stop."""
        try:
            await self._apply(ref, lambda entry: ledger.finish(entry.state, report.result), epoch, report.task_id)
        except ReportRejected as refusal:
            if refusal.reason != "task_ended" or not await self._agrees(ref, report):
                raise

    async def _agrees(self, ref: SessionRef, report: SequenceComplete) -> bool:
        entry = await self._repository.find(ref)
        return entry is not None and (entry.state.status == "done") == report.result.success

    async def responded(self, ref: SessionRef, epoch: int, report: ConfirmationResponse) -> None:
        """The visitor has answered by a button."""

        def rule(entry: StoredTask) -> Change:
            now, rules = self._repository.now(), self._rules(ref)
            return ledger.respond(entry.state, report.confirmed, now, rules, report.action_id)

        await self._apply(ref, rule, epoch, renews=True)

    async def proceed(
        self, ref: SessionRef, epoch: int, url: str | None, context: dict[str, Any], page: str = ""
    ) -> None:
        """The page is ready, and has just described itself."""

        if await self._repository.person(ref) is not None:
            raise ReportRejected("held", "A person has the conversation.")

        def rule(entry: StoredTask) -> Change:
            return ledger.resume(entry.state, url, epoch, context, self._repository.now(), self._rules(ref), page)

        await self._apply(ref, rule, epoch)

    async def cancel(self, ref: SessionRef, closes_turn: int | None = None) -> None:
        """End the task at the visitor's request. Its last message may answer the message that requested it."""

        def rule(entry: StoredTask) -> Change:
            return Change(task_changes.abort(entry.state, "cancelled", closes_turn=closes_turn))

        await self._apply(ref, rule)

    async def answer(self, ref: SessionRef, confirmed: bool) -> None:
        """The visitor has answered the open question in words."""

        def rule(entry: StoredTask) -> Change:
            return ledger.respond(entry.state, confirmed, self._repository.now(), self._rules(ref))

        await self._apply(ref, rule)

    async def live(self, ref: SessionRef) -> TaskState | None:
        """The task that runs or is held."""
        try:
            return (await self._repository.live(ref)).state
        except ReportRejected:
            return None

    async def hold(self, ref: SessionRef, epoch: int) -> None:
        """Hold the task, if there is one: the socket of `epoch` has left."""
        if not self._heartbeat.vouches(ref.session_id):
            return
        try:
            await self._repository.change(
                ref, lambda entry: ledger.hold(entry.state, self._repository.now(), self._rules(ref)), epoch=epoch
            )
        except (ReportRejected, StorageError) as error:
            log.debug("nothing held", session=ref.session_id[:8], error=str(error))

    async def pause(self, ref: SessionRef) -> None:
        """Hold the task, if there is one: a person has taken the conversation. It may go on when it is handed back."""
        try:
            await self._repository.change(
                ref, lambda entry: ledger.hold(entry.state, self._repository.now(), self._rules(ref))
            )
        except ReportRejected as refusal:
            log.debug("nothing paused", session=ref.session_id[:8], error=str(refusal))

    async def rejoin(self, ref: SessionRef, epoch: int, url: str | None, page: str = "", journal: Any = None) -> None:
        """A socket of the instance `page` has joined at `url`: go on, ask, or end (T3, T6, T7)."""
        arrival = Arrival(url, page, epoch, read(journal))

        def rule(entry: StoredTask, before: dict[str, Any]) -> Change:
            now, due = self._repository.now(), entry.record.deadline
            overdue = due is not None and now >= due
            return rejoin(pinned(entry.state, before), arrival, now, self._rules(ref), overdue)

        for attempt in range(REJOIN_RETRIES):
            try:
                if await self._repository.person(ref) is not None:
                    return
                # The new page has not described itself yet. This is the description of the page before.
                before = (await self._pages.page(ref)).context
                change = await self._apply(ref, partial(rule, before=before), epoch)
            except (ReportRejected, StorageError) as error:
                if isinstance(error, StoreUnavailable) and attempt < REJOIN_RETRIES - 1:
                    await asyncio.sleep(0.2 * (attempt + 1))
                    continue
                log.debug("nothing resumed", session=ref.session_id[:8], error=str(error))
                return
            if change.signal != "none" and change.state.ending is None:
                self._on_resume(ref.site_id)
            return

    async def expire(self, site_id: str, session_id: str) -> None:
        """End a task that the store reports as overdue, unless it has changed since."""
        ref = self._repository.ref(site_id, session_id)

        def rule(entry: StoredTask, person: Person | None) -> Change:
            now, due = self._repository.now(), entry.record.deadline
            if due is None or now < due:
                return Change(entry.state)
            if person is not None:
                return Change(task_changes.postpone(entry.state, person.until + self._rules(ref).hold))
            return ledger.expire(entry.state, now)

        try:
            await self._repository.change(ref, partial(rule, person=await self._repository.person(ref)))
        except (ReportRejected, StorageError) as error:
            log.debug("not expired", session=session_id[:8], error=str(error))

    def _rules(self, ref: SessionRef) -> ledger.LedgerRules:
        return self._repository.rules(ref.site_id)

    async def _apply(
        self, ref: SessionRef, rule: Apply, epoch: int | None = None, task: str | None = None, renews: bool = False
    ) -> Change:
        self._heartbeat.add(ref)
        change = await self._repository.change(ref, rule, task, epoch, renews)
        await self._tell(ref, change)
        return change

    async def _tell(self, ref: SessionRef, change: Change) -> None:
        hosts = self._pages.hosts(ref.site_id)
        if (event := announcement(change, hosts)) is not None:
            await self._visitors.emit(ref.session_id, *event)


def _begun(state: TaskState) -> Reply:
    return Reply(state.say or texts.BEGUN, "task", {"taskId": state.task_id} | state.data)


def _reports_on(question: protocol.StoredMessage, state: TaskState) -> bool:
    data = question.data
    return question.role == "system" and isinstance(data, dict) and data.get("taskId") == state.task_id
