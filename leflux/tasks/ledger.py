"""The rules of a task, without I/O: what a report, a reload, an answer or a deadline makes of it.

T1  A step is started once: it is `started` in the store before it runs, and one that is done, or was started
    by another page, is refused.
T2  A step that is done stays done. A repeated report changes nothing.
T3  A task whose page returns in time, on the page the next step expects, goes on. Any other page, or none, ends it.
T4  A click that was started and never reported is neither repeated nor skipped: the visitor decides.
T5  The end is decided once; it is recorded (`ending`) before its message is stored.
"""

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from leflux.elements import lacks
from leflux.tasks import texts
from leflux.tasks.model import Ending, Question, Reason, Step, TaskState, is_web, same_page
from leflux.wire_tasks import ActionResult, SequenceResult

Signal = Literal["none", "plan", "ask"]
CANCELLED = "cancelled"
ELEMENT_MISSING = "element_missing"


class Refused(Exception):
    """A report that the ledger cannot take. `reason` is for machines, `message` for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Rules(Struct, frozen=True):
    """Milliseconds. `hold`: how long a page may be away; `beat`: how often a connected one is vouched for."""

    hold: int
    beat: int
    step: int = 60_000
    answer: int = 600_000
    context: int = 10_000
    ending: int = 5_000


class Change(Struct, frozen=True):
    """A new state, and what the page must hear: the steps that are left, or the open question.

    `resumed` is False for steps that the page hears of for the first time.
    """

    state: TaskState
    signal: Signal = "none"
    resumed: bool = True


def deadline(state: TaskState, now: int, rules: Rules, vouched: bool = True) -> int | None:
    """When the store reports the task as overdue. `vouched`: this process keeps its page's time."""
    if not state.is_live:
        return None
    if state.ending is not None:
        return now + rules.ending
    if state.status == "held":
        return state.held_until
    if state.question is not None and not vouched:
        return state.progress_by
    return min(state.progress_by, now + rules.hold + rules.beat)


def start(state: TaskState, action_id: str, epoch: int, now: int, rules: Rules) -> Change:
    """The page of `epoch` is about to run a step (T1). The same page may ask again: its answer may be lost."""
    index = _index(state, action_id)
    step = state.steps[index]
    if step.status == "done":
        raise Refused("step_done", "This step is done already.")
    _must_run(state)
    if index != state.cursor:
        raise Refused("step_not_next", "This step is not the next one.")
    if step.status == "started":
        if step.started_by == epoch:
            return Change(state)
        raise Refused("step_started", "This step was started by another page.")
    return Change(_progress(_with(state, index, replace(step, status="started", started_by=epoch)), now, rules))


def complete(state: TaskState, action_id: str, result: ActionResult, now: int, rules: Rules) -> Change:
    """A step has run, or could not."""
    index = _index(state, action_id)
    step = state.steps[index]
    if step.status == "done" or (step.status == "failed" and not result.success):
        return Change(state)
    if index != state.cursor:
        raise Refused("step_not_next", "This step is not the next one.")
    asked = state.question is not None and state.question.action_id == action_id
    if asked and step.status != "started":
        raise Refused("question_open", "The visitor is being asked about this step.")
    if result.success:
        state = _done(replace(state, question=None), now, rules)
        return Change(_reroute(state, result.url), "plan" if asked and state.next is not None else "none")
    failed = _with(state, index, replace(step, status="failed", error=result.error))
    if result.error == ELEMENT_MISSING:
        return Change(_ask(failed, texts.question("missing", step), now, rules), "ask")
    return Change(abort(failed, "failed", texts.failed(step)))


def finish(state: TaskState, result: SequenceResult) -> Change:
    """The page reports the end of the sequence."""
    if not result.success:
        asked = state.question is not None and state.question.kind == "missing"
        if asked and result.error != CANCELLED:
            # The page stopped because the visitor is being asked; the answer decides.
            return Change(state)
        return Change(abort(state, _gave_up(result)))
    if state.next is not None:
        raise Refused("steps_left", "Not all steps are done.")
    return Change(_succeed(state))


def _gave_up(result: SequenceResult) -> Reason:
    """A page that names no failure was told to stop by its visitor."""
    broken = any(isinstance(each, dict) and each.get("success") is False for each in result.results)
    return "failed" if broken or result.error not in (None, CANCELLED) else "cancelled"


def hold(state: TaskState, now: int, rules: Rules) -> Change:
    """The page has gone."""
    if state.status == "held" or state.ending is not None:
        return Change(state)
    return Change(replace(state, status="held", held_until=now + rules.hold))


def rejoin(state: TaskState, url: str | None, now: int, rules: Rules, overdue: bool = False) -> Change:
    """A page has joined at `url` (T3). One that does not say where it is leaves the task held until it does."""
    if state.ending is not None:
        return Change(state)
    if overdue:
        return expire(state, now)
    if url is None:
        return hold(state, now, rules)
    state = _reached(state, url, now, rules)
    step = state.next
    if step is None:
        return _all_done(_running(state, now, rules), now, rules)
    if step.expect_url and not same_page(step.expect_url, url):
        return Change(abort(state, "reload"))
    state = _running(state, now, rules)
    if state.question is not None:
        return Change(state, "ask")
    if step.status == "started" and step.action == "click":
        return Change(_ask(state, texts.question("repeat", step), now, rules), "ask")
    return Change(_with(state, state.cursor, _again(step)), "plan")


def resume(state: TaskState, url: str | None, epoch: int, context: dict[str, Any], now: int, rules: Rules) -> Change:
    """The page of `epoch` is ready and has described itself (`continue_task`): a search that was given up begins again.

    A page that surely does not have what the next step needs is asked about.
    """
    step = state.next
    if step is None:
        return Change(_succeed(state))
    if state.question is None and step.status == "started" and step.started_by == epoch:
        return Change(state)
    change = rejoin(state, url, now, rules)
    asked, step = change.state.question, change.state.next
    if step is None or change.signal == "none" or not (asked is None or asked.kind == "missing"):
        return change
    if lacks(step.target, context):
        return Change(_ask(change.state, texts.question("missing", step), now, rules), "ask")
    return change if asked is None else respond(change.state, True, now, rules)


def respond(state: TaskState, confirmed: bool, now: int, rules: Rules, action_id: str | None = None) -> Change:
    """The visitor answers the open question (T4)."""
    question = state.question
    if question is None or action_id not in (None, question.action_id):
        raise Refused("no_question", "Nothing is being asked.")
    if state.status == "held":
        raise Refused("held", "The task waits for its page.")
    state = _progress(replace(state, question=None), now, rules)
    if confirmed:
        again = _again(state.steps[state.cursor])
        return Change(_with(state, state.cursor, again), "plan", resumed=question.kind != "gate")
    if question.kind != "repeat":
        return Change(abort(state, "cancelled"))
    state = _done(state, now, rules)
    return Change(state, "plan") if state.next is not None else _all_done(state, now, rules)


def expire(state: TaskState, now: int) -> Change:
    """The deadline has passed."""
    if state.ending is not None:
        return Change(state)
    if state.next is None:
        return Change(_succeed(state))
    late = state.status == "running" and now >= state.progress_by
    return Change(abort(state, "timeout" if late else "reload"))


def abort(state: TaskState, reason: Reason, text: str | None = None, closes_turn: int | None = None) -> TaskState:
    """Decide that the task ends here (T5)."""
    ending = Ending("aborted", text or texts.ABORTED[reason], reason, closes_turn)
    return replace(state, ending=state.ending or ending)


def ended(state: TaskState) -> TaskState:
    """The message of the end is stored."""
    if (ending := state.ending) is None:
        return state
    return replace(state, status=ending.status, reason=ending.reason, ending=None, question=None, held_until=None)


def gated(state: TaskState, confirm: str, now: int, rules: Rules) -> TaskState:
    """Ask before the first step."""
    question = Question("gate", state.steps[0].id, confirm, texts.CONFIRM, texts.CANCEL)
    return _ask(state, question, now, rules)


def _succeed(state: TaskState) -> TaskState:
    text = summary(state) if state.follow_up else state.done or texts.DONE
    ending = Ending("done", text, follow_up=state.follow_up)
    return replace(state, ending=state.ending or ending)


def summary(state: TaskState) -> str:
    """The steps that are done, in one line."""
    return "; ".join(texts.name(step) for step in state.steps if step.status == "done") or texts.DONE


def _all_done(state: TaskState, now: int, rules: Rules) -> Change:
    # An agent that goes on must see the page it has reached: with nothing left to run, the page describes itself and
    # reports the end. If it does not, the deadline goes on.
    if state.follow_up:
        return Change(replace(state, progress_by=now + rules.context), "plan")
    return Change(_succeed(state))


def _index(state: TaskState, action_id: str) -> int:
    for index, step in enumerate(state.steps):
        if step.id == action_id:
            return index
    raise Refused("unknown_step", "The task has no such step.")


def _must_run(state: TaskState) -> None:
    if state.status == "held":
        raise Refused("held", "The task waits for its page.")
    if state.question is not None:
        raise Refused("question_open", "The visitor is being asked first.")


def _with(state: TaskState, index: int, step: Step) -> TaskState:
    return replace(state, steps=(*state.steps[:index], step, *state.steps[index + 1 :]))


def _again(step: Step) -> Step:
    return replace(step, status="pending", started_by=0, error=None)


def _done(state: TaskState, now: int, rules: Rules) -> TaskState:
    step = replace(state.steps[state.cursor], status="done", error=None)
    return _progress(replace(_with(state, state.cursor, step), cursor=state.cursor + 1), now, rules)


def _reached(state: TaskState, url: str, now: int, rules: Rules) -> TaskState:
    step = state.next
    if step is None or step.status != "started" or step.url is None or not same_page(step.url, url):
        return state
    # A click that is still on the page it started from proves nothing by its address.
    if step.action == "click" and same_page(step.expect_url, url):
        return state
    return replace(_done(state, now, rules), question=None)


def _reroute(state: TaskState, url: str | None) -> TaskState:
    """A step has reported the page that the visitor is on now."""
    if url is None or not is_web(url):
        return state
    steps = list(state.steps)
    for index, step in enumerate(steps[state.cursor :], state.cursor):
        steps[index] = replace(step, expect_url=url)
        if step.url is not None:
            break
    return replace(state, steps=tuple(steps))


def _running(state: TaskState, now: int, rules: Rules) -> TaskState:
    return _progress(replace(state, status="running", held_until=None), now, rules)


def _progress(state: TaskState, now: int, rules: Rules) -> TaskState:
    step = state.next
    waits = (step.wait_duration or 0) if step is not None else 0
    patience = rules.answer if state.question is not None else rules.step + waits
    return replace(state, progress_by=now + patience)


def _ask(state: TaskState, question: Question, now: int, rules: Rules) -> TaskState:
    return _progress(replace(state, question=question), now, rules)
