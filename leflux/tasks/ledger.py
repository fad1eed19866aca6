"""The rules of a task, without I/O.

T1  A step is stored as `started` before it runs. One that is done, or was started by another page, is refused.
T2  A step that is done stays done. A repeated report changes nothing.
T3  A task continues when its page returns in time, on the page of the next step. Otherwise it ends.
T4  A click that was started and never reported is neither repeated nor skipped: the visitor decides.
T5  The end is decided once. It is recorded as `ending` before its message is stored.
T6  The page instance that runs the steps may lose its socket and join again: no step is sent to it again, and
    nothing is asked about the step that it is running.
T7  What the tab's journal says of a step that was started is a report of it. `leflux.tasks.journal` applies it.
"""

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from leflux.protocol import ActionResult, SequenceResult
from leflux.tasks import texts
from leflux.tasks.elements import lacks
from leflux.tasks.model import Reason, TaskQuestion, TaskState, same_page
from leflux.tasks.task_changes import abort, again, agreed, reroute, succeed, with_step

Signal = Literal["none", "plan", "ask"]
CANCELLED = "cancelled"
ELEMENT_MISSING = "element_missing"
# Failures that the visitor can mend, and the question about each.
ASKED: dict[str | None, texts.About] = {
    ELEMENT_MISSING: "missing",
    "covered": "covered",
    "ambiguous": "ambiguous",
    "consent_needed": "consent",
    "invalid_form": "invalid",
    "interrupted": "repeat",
}


class ReportRejected(Exception):
    """The ledger refuses a report. `reason` is for machines, `message` for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class LedgerRules(Struct, frozen=True):
    """Durations in milliseconds. `hold`: how long a page may be away; `beat`: how often it is confirmed."""

    hold: int
    beat: int
    step: int = 60_000
    answer: int = 600_000
    context: int = 10_000
    ending: int = 5_000


class Change(Struct, frozen=True):
    """A new state, and what to send: the remaining steps or the open question. `resumed`: not for the first time."""

    state: TaskState
    signal: Signal = "none"
    resumed: bool = True


def deadline(state: TaskState, now: int, rules: LedgerRules, vouched: bool = True) -> int | None:
    """When the store reports the task as overdue. `vouched`: this process confirms the page."""
    if not state.is_live:
        return None
    if state.ending is not None:
        return now + rules.ending
    if state.status == "held":
        return state.held_until
    if state.question is not None and not vouched:
        return state.progress_by
    return min(state.progress_by, now + rules.hold + rules.beat)


def start(state: TaskState, action_id: str, epoch: int, now: int, rules: LedgerRules, page: str = "") -> Change:
    """Start a step for the page of `epoch` (T1). The same page may ask again, because it may have lost the answer."""
    index = _index(state, action_id)
    step = state.steps[index]
    if step.status == "done":
        raise ReportRejected("step_done", "This step is done already.")
    _must_run(state)
    if index != state.cursor:
        raise ReportRejected("step_not_next", "This step is not the next one.")
    if step.status == "started":
        if step.started_by == epoch or _is_running(state, page):
            return Change(state)
        raise ReportRejected("step_started", "This step was started by another page.")
    started = with_step(replace(state, page=page), index, replace(step, status="started", started_by=epoch))
    return Change(_progress(started, now, rules))


def complete(state: TaskState, action_id: str, result: ActionResult, now: int, rules: LedgerRules) -> Change:
    """Record that a step has run or failed."""
    index = _index(state, action_id)
    step = state.steps[index]
    if step.status == "done" or (step.status == "failed" and not result.success):
        return Change(state)
    if index != state.cursor:
        raise ReportRejected("step_not_next", "This step is not the next one.")
    asked = state.question is not None and state.question.action_id == action_id
    if asked and step.status != "started":
        raise ReportRejected("question_open", "The visitor is being asked about this step.")
    if result.success:
        state = _done(replace(state, question=None), now, rules)
        state = reroute(state, result.url)
        return _plan(state) if asked and state.next is not None else Change(state)
    failed = with_step(state, index, replace(step, status="failed", error=result.error))
    if (asks := ASKED.get(result.error)) is not None:
        return Change(_ask(failed, texts.question(asks, step, texts.named(result)), now, rules), "ask")
    return Change(abort(failed, "failed", texts.failed(step, result)))


def finish(state: TaskState, result: SequenceResult) -> Change:
    """Record that the page has ended the sequence."""
    if not result.success:
        asked = state.question is not None and state.question.kind in ("missing", "consent")
        if asked and result.error != CANCELLED:
            # The page stopped because the visitor is being asked. The answer decides.
            return Change(state)
        return Change(abort(state, _gave_up(result)))
    if state.next is not None:
        raise ReportRejected("steps_left", "Not all steps are done.")
    return Change(succeed(state, result.seen))


def _gave_up(result: SequenceResult) -> Reason:
    """The reason of a sequence that did not succeed. Without a failure, the visitor cancelled it."""
    broken = any(isinstance(each, dict) and each.get("success") is False for each in result.results)
    return "failed" if broken or result.error not in (None, CANCELLED) else "cancelled"


def hold(state: TaskState, now: int, rules: LedgerRules) -> Change:
    """Hold the task: its page has left."""
    if state.status == "held" or state.ending is not None:
        return Change(state)
    return Change(replace(state, status="held", held_until=now + rules.hold))


def rejoin(
    state: TaskState,
    url: str | None,
    now: int,
    rules: LedgerRules,
    overdue: bool = False,
    page: str = "",
    tells: bool = False,
) -> Change:
    """Continue or end the task for a page that joins at `url` (T3). Without `url` it stays held until the page says
    where it is. The page instance that runs the steps has only reconnected and goes on by itself (T6). `tells`: the
    page can tell what it shows at the end.
    """
    if state.ending is not None:
        return Change(state)
    if overdue:
        return expire(state, now)
    if _is_running(state, page):
        return Change(replace(state, status="running", held_until=None), "none" if state.question is None else "ask")
    if url is None:
        return hold(state, now, rules)
    state = _reached(state, url, now, rules)
    step = state.next
    if step is None:
        return _all_done(running(state, now, rules), now, rules, tells)
    if step.expect_url and not same_page(step.expect_url, url):
        return Change(abort(state, "reload"))
    state = running(state, now, rules)
    if state.question is not None:
        return Change(state, "ask")
    if step.status == "started" and step.action == "click":
        return Change(_ask(state, texts.question("repeat", step), now, rules), "ask")
    return _plan(with_step(state, state.cursor, again(step)))


def resume(
    state: TaskState,
    url: str | None,
    epoch: int,
    context: dict[str, Any],
    now: int,
    rules: LedgerRules,
    page: str = "",
) -> Change:
    """Continue the task for the page of `epoch`, which is ready and has described itself (`continue_task`).

    A missing element is looked for again. The visitor is asked when the page clearly lacks what the next step needs.
    """
    step = state.next
    if step is None:
        return Change(succeed(state))
    if state.question is None and step.status == "started" and (step.started_by == epoch or _is_running(state, page)):
        return Change(state)
    change = rejoin(state, url, now, rules)
    asked, step = change.state.question, change.state.next
    if step is None or change.signal == "none" or not (asked is None or asked.kind == "missing"):
        return change
    if lacks(step.target, context):
        return Change(_ask(change.state, texts.question("missing", step), now, rules), "ask")
    return change if asked is None else respond(change.state, True, now, rules)


def respond(state: TaskState, confirmed: bool, now: int, rules: LedgerRules, action_id: str | None = None) -> Change:
    """Apply the visitor's answer to the open question (T4)."""
    question = state.question
    if question is None or action_id not in (None, question.action_id):
        raise ReportRejected("no_question", "Nothing is being asked.")
    if state.status == "held":
        raise ReportRejected("held", "The task waits for its page.")
    state = _progress(replace(state, question=None), now, rules)
    if confirmed:
        step = state.steps[state.cursor]
        step = agreed(step) if question.kind == "consent" else again(step)
        return _plan(with_step(state, state.cursor, step), resumed=question.kind != "gate")
    if question.kind != "repeat":
        return Change(abort(state, "cancelled"))
    state = _done(state, now, rules)
    return _plan(state) if state.next is not None else _all_done(state, now, rules)


def expire(state: TaskState, now: int) -> Change:
    """End the task: its deadline has passed."""
    if state.ending is not None:
        return Change(state)
    if state.next is None:
        return Change(succeed(state))
    late = state.status == "running" and now >= state.progress_by
    return Change(abort(state, "timeout" if late else "reload"))


def gated(state: TaskState, confirm: str, now: int, rules: LedgerRules) -> TaskState:
    """Ask for consent before the first step."""
    question = TaskQuestion("gate", state.steps[0].id, confirm, texts.CONFIRM, texts.CANCEL)
    return _ask(state, question, now, rules)


def _all_done(state: TaskState, now: int, rules: LedgerRules, tells: bool = False) -> Change:
    # With no step left, the page that was reached describes itself, says what it shows, and reports the end. If it does
    # not, the deadline ends the task.
    if state.follow_up or tells:
        return _plan(replace(state, progress_by=now + rules.context))
    return Change(succeed(state))


def _plan(state: TaskState, resumed: bool = True) -> Change:
    """Hand out the steps that are left. Nobody runs them until a page starts one."""
    return Change(replace(state, page=""), "plan", resumed)


def _is_running(state: TaskState, page: str) -> bool:
    return page != "" and state.page == page


def _index(state: TaskState, action_id: str) -> int:
    for index, step in enumerate(state.steps):
        if step.id == action_id:
            return index
    raise ReportRejected("unknown_step", "The task has no such step.")


def _must_run(state: TaskState) -> None:
    if state.status == "held":
        raise ReportRejected("held", "The task waits for its page.")
    if state.question is not None:
        raise ReportRejected("question_open", "The visitor is being asked first.")


def _done(state: TaskState, now: int, rules: LedgerRules) -> TaskState:
    step = replace(state.steps[state.cursor], status="done", error=None)
    return _progress(replace(with_step(state, state.cursor, step), cursor=state.cursor + 1), now, rules)


def _reached(state: TaskState, url: str, now: int, rules: LedgerRules) -> TaskState:
    step = state.next
    if step is None or step.status != "started" or step.url is None or not same_page(step.url, url):
        return state
    # A click whose page has not changed address cannot be told to be done by the address.
    if step.action == "click" and same_page(step.expect_url, url):
        return state
    return replace(_done(state, now, rules), question=None)


def running(state: TaskState, now: int, rules: LedgerRules) -> TaskState:
    return _progress(replace(state, status="running", held_until=None), now, rules)


def _progress(state: TaskState, now: int, rules: LedgerRules) -> TaskState:
    step = state.next
    waits = (step.wait_duration or 0) if step is not None else 0
    allowed = rules.answer if state.question is not None else rules.step + waits
    return replace(state, progress_by=now + allowed)


def _ask(state: TaskState, question: TaskQuestion, now: int, rules: LedgerRules) -> TaskState:
    return _progress(replace(state, question=question), now, rules)
