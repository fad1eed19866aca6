"""The rules of a task (T1-T5), without a store, a socket or a clock."""

from typing import Any

import pytest

from leflux.protocol import ActionResult, SequenceResult
from leflux.tasks import ledger, planning, task_changes
from leflux.tasks.ledger import Change, LedgerRules, ReportRejected
from leflux.tasks.model import TaskState
from leflux.tasks.plans import Plan, PlannedStep, Target

RULES = LedgerRules(hold=30_000, beat=5_000)
HOME = "http://shop.test/"
FORM = "http://shop.test/form"
NOW = 1_000_000

CLICK = PlannedStep("click", Target(name="Open"), description="Open it")
TYPE = PlannedStep("type", Target(name="Name"), value="Ada")
GO = PlannedStep("navigate", url=FORM)


def task(*steps: PlannedStep, **plan: Any) -> TaskState:
    planned = list(steps or (CLICK, GO, TYPE))
    return planning.begin("t", Plan(planned, **plan), planned, HOME, (), "", NOW, RULES)


def start(state: TaskState, number: int, epoch: int = 1) -> TaskState:
    return ledger.start(state, state.steps[number].id, epoch, NOW, RULES).state


def report(state: TaskState, number: int, success: bool = True, **result: Any) -> Change:
    return ledger.complete(state, state.steps[number].id, ActionResult(success, **result), NOW, RULES)


def run(state: TaskState, count: int) -> TaskState:
    for number in range(count):
        state = report(start(state, number), number).state
    return state


def rejoin(state: TaskState, url: str | None, **more: Any) -> Change:
    return ledger.rejoin(state, url, NOW, RULES, **more)


def statuses(state: TaskState) -> list[str]:
    return [step.status for step in state.steps]


def reason(state: TaskState) -> str | None:
    assert state.ending is not None
    return state.ending.reason


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(ReportRejected) as caught:
        call(*arguments)
    assert caught.value.message
    return caught.value.reason


def test_each_step_expects_the_page_that_the_steps_before_lead_to() -> None:
    leads = PlannedStep("click", Target(name="Next"), url="http://shop.test/two")
    state = task(CLICK, GO, TYPE, leads, TYPE)
    assert [step.expect_url for step in state.steps] == [HOME, HOME, FORM, FORM, "http://shop.test/two"]


def test_a_step_runs_once_in_order_and_reports_once() -> None:
    state = task()
    assert refused(start, state, 1) == "step_not_next"
    state = start(state, 0)
    assert statuses(state) == ["started", "pending", "pending"]
    assert refused(start, state, 0, 2) == "step_started"
    assert start(state, 0) == state, "the same page may ask again: its answer may be lost"
    state = report(state, 0).state
    assert (statuses(state)[0], state.cursor) == ("done", 1)
    assert refused(start, state, 0) == "step_done"
    assert report(state, 0).state == state
    assert report(state, 0, success=False, error="late").state == state, "what is done stays done"
    assert refused(ledger.start, state, "nonsense", 1, NOW, RULES) == "unknown_step"


def test_all_steps_then_the_sequence_then_one_end() -> None:
    state = run(task(done="There you are."), 2)
    assert refused(ledger.finish, state, SequenceResult(True)) == "steps_left"
    ending = ledger.finish(run(task(done="There you are."), 3), SequenceResult(True)).state
    assert ending.ending is not None
    assert (ending.ending.status, ending.ending.text) == ("done", "There you are.")
    assert task_changes.abort(ending, "timeout") == ending, "the end is decided once"
    over = task_changes.ended(ending)
    assert (over.status, over.ending, over.is_live) == ("done", None, False)


def test_a_step_that_fails_ends_the_task() -> None:
    state = report(start(task(), 0), 0, success=False, error="boom").state
    assert reason(state) == "failed"
    assert "Open it" in (state.ending.text if state.ending else "")


@pytest.mark.parametrize(("error", "expected"), [("cancelled", "cancelled"), ("boom", "failed"), (None, "cancelled")])
def test_a_page_that_gives_up_says_why(error: str | None, expected: str) -> None:
    assert reason(ledger.finish(task(), SequenceResult(False, error=error)).state) == expected


def test_a_page_that_reports_a_failed_step_at_the_end_has_failed() -> None:
    results = [{"success": True}, {"success": False, "error": "boom"}]
    assert reason(ledger.finish(task(), SequenceResult(False, results)).state) == "failed"


def test_a_visitor_may_cancel_instead_of_answering() -> None:
    assert reason(ledger.finish(task(confirm="Shall I?"), SequenceResult(False)).state) == "cancelled"


def test_a_missing_element_asks_and_a_yes_looks_again() -> None:
    change = report(start(task(), 0), 0, success=False, error="element_missing")
    assert change.signal == "ask"
    asked = change.state
    assert asked.question is not None
    assert asked.question.kind == "missing"
    assert report(asked, 0, success=False, error="element_missing").state == asked
    assert ledger.finish(asked, SequenceResult(False)).state == asked, "the answer decides, not the page"
    assert reason(ledger.finish(asked, SequenceResult(False, error="cancelled")).state) == "cancelled"
    assert refused(start, asked, 0) == "question_open"
    again = ledger.respond(asked, True, NOW, RULES)
    assert (again.signal, statuses(again.state)[0], again.state.question) == ("plan", "pending", None)
    assert reason(ledger.respond(asked, False, NOW, RULES).state) == "cancelled"


def test_nothing_starts_before_the_visitor_consents() -> None:
    state = task(confirm="Shall I?")
    assert refused(start, state, 0) == "question_open"
    assert refused(report, state, 0) == "question_open"
    yes = ledger.respond(state, True, NOW, RULES)
    assert (yes.signal, yes.resumed) == ("plan", False)
    assert refused(ledger.respond, yes.state, True, NOW, RULES) == "no_question"
    assert refused(ledger.respond, state, True, NOW, RULES, "another step") == "no_question"
    assert reason(ledger.respond(state, False, NOW, RULES).state) == "cancelled"
    assert ledger.rejoin(state, HOME, NOW, RULES).signal == "ask", "a reload asks again"


def test_a_page_that_goes_is_held_and_resumes_where_it_was() -> None:
    held = ledger.hold(run(task(), 1), NOW, RULES).state
    assert (held.status, held.held_until) == ("held", NOW + RULES.hold)
    assert ledger.hold(held, NOW + 5, RULES).state == held, "a second notice does not prolong it"
    assert refused(start, held, 1) == "held"
    change = rejoin(held, HOME)
    assert (change.signal, change.resumed, change.state.status, change.state.held_until) == (
        "plan",
        True,
        "running",
        None,
    )
    assert statuses(change.state) == ["done", "pending", "pending"]


@pytest.mark.parametrize("url", ["http://shop.test/other", "http://shop.test/?q=1", "https://shop.test/", "http://x/"])
def test_any_other_page_ends_it(url: str) -> None:
    assert reason(rejoin(ledger.hold(task(), NOW, RULES).state, url).state) == "reload"
    assert reason(rejoin(task(), url).state) == "reload", "also when the page before was not seen to go"


@pytest.mark.parametrize("url", ["http://shop.test", "http://shop.test/#x", "HTTP://SHOP.test:80/"])
def test_fragment_slash_case_and_default_port_make_no_other_page(url: str) -> None:
    assert rejoin(task(), url).signal == "plan"


def test_a_page_that_returns_too_late_ends_it() -> None:
    assert reason(rejoin(ledger.hold(task(), NOW, RULES).state, HOME, overdue=True).state) == "reload"


def test_a_page_that_does_not_say_where_it_is_leaves_it_held_until_it_does() -> None:
    state = rejoin(task(), None).state
    assert state.status == "held"
    assert ledger.resume(state, HOME, 2, {}, NOW, RULES).signal == "plan"


def test_a_navigate_whose_page_is_reached_is_done() -> None:
    state = start(run(task(), 1), 1)
    change = rejoin(state, FORM + "/")
    assert (change.signal, statuses(change.state)) == ("plan", ["done", "done", "pending"])
    change = rejoin(state, HOME)
    assert statuses(change.state) == ["done", "pending", "pending"], "not reached: it is run again"
    assert reason(rejoin(state, "http://shop.test/404").state) == "reload"


def test_a_navigate_that_never_started_is_not_taken_for_done() -> None:
    assert reason(rejoin(run(task(), 1), FORM).state) == "reload"


@pytest.mark.parametrize("action", ["type", "select", "scroll_to", "wait"])
def test_a_repeatable_step_that_was_started_is_run_again(action: Any) -> None:
    state = start(task(PlannedStep(action, Target(name="x"), value="v")), 0)
    change = rejoin(state, HOME)
    assert (change.signal, statuses(change.state)) == ("plan", ["pending"])
    assert statuses(start(change.state, 0, epoch=2)) == ["started"]


def test_a_click_that_was_started_and_not_reported_is_asked_about() -> None:
    change = rejoin(start(task(), 0), HOME)
    assert change.signal == "ask"
    asked = change.state
    assert asked.question is not None
    assert asked.question.kind == "repeat"
    assert rejoin(asked, HOME).signal == "ask", "a further reload asks again"
    again = ledger.respond(asked, True, NOW, RULES)
    assert (again.signal, statuses(again.state)[0]) == ("plan", "pending")
    happened = ledger.respond(asked, False, NOW, RULES)
    assert (happened.signal, statuses(happened.state)[0], happened.state.cursor) == ("plan", "done", 1)
    late = report(asked, 0)
    assert (late.signal, statuses(late.state)[0], late.state.question) == ("plan", "done", None)


def test_a_click_whose_page_is_reached_is_done() -> None:
    state = start(task(PlannedStep("click", Target(name="Next"), url=FORM), TYPE), 0)
    change = rejoin(state, FORM)
    assert (change.signal, statuses(change.state)) == ("plan", ["done", "pending"])
    assert rejoin(state, HOME).signal == "ask"


def test_a_click_that_leads_to_its_own_page_proves_nothing_by_its_address() -> None:
    state = start(task(PlannedStep("click", Target(name="Save"), url=HOME), TYPE), 0)
    assert rejoin(state, HOME).signal == "ask"


def test_a_last_click_that_happened_completes_the_task() -> None:
    asked = rejoin(start(task(CLICK), 0), HOME).state
    state = ledger.respond(asked, False, NOW, RULES).state
    assert state.ending is not None
    assert state.ending.status == "done"


def test_a_page_that_returns_when_all_is_done_completes_the_task_wherever_it_is() -> None:
    state = rejoin(run(task(), 3), "http://shop.test/elsewhere").state
    assert state.ending is not None
    assert state.ending.status == "done"


def test_a_reported_page_moves_what_the_next_steps_expect() -> None:
    state = task(CLICK, TYPE, GO, TYPE)
    moved = report(start(state, 0), 0, url="http://shop.test/two").state
    assert [step.expect_url for step in moved.steps[1:]] == ["http://shop.test/two", "http://shop.test/two", FORM]
    assert report(start(state, 0), 0, url="javascript:alert(1)").state.steps[1].expect_url == HOME


def test_the_deadline_is_near_while_running_and_the_hold_while_held() -> None:
    state = task()
    assert ledger.deadline(state, NOW, RULES) == NOW + 35_000
    assert ledger.deadline(ledger.hold(state, NOW, RULES).state, NOW + 9, RULES) == NOW + 30_000
    assert ledger.deadline(state, NOW + 58_000, RULES) == NOW + 60_000, "a silent page is not vouched for forever"
    gated = task(confirm="Shall I?")
    assert ledger.deadline(gated, NOW, RULES, vouched=False) == NOW + RULES.answer
    ending = task_changes.abort(state, "failed")
    assert ledger.deadline(ending, NOW, RULES) == NOW + RULES.ending, "a crash before the message is found"
    assert ledger.deadline(task_changes.ended(ending), NOW, RULES) is None


def test_what_expires_says_why() -> None:
    assert reason(ledger.expire(ledger.hold(task(), NOW, RULES).state, NOW + 30_000).state) == "reload"
    assert reason(ledger.expire(task(), NOW + 35_000).state) == "reload", "nobody vouched: its server died"
    assert reason(ledger.expire(task(), NOW + 60_000).state) == "timeout"
    done = ledger.expire(run(task(), 3), NOW + 60_000).state
    assert done.ending is not None
    assert done.ending.status == "done", "only the last notice was lost"


def test_a_wait_adds_its_time_to_the_patience() -> None:
    state = task(PlannedStep("wait", wait_ms=10_000))
    assert start(state, 0).progress_by == NOW + RULES.step + 10_000


def test_a_plan_that_is_followed_up_waits_for_the_page_it_has_reached() -> None:
    state = start(task(GO, follow_up=True), 0)
    reached = rejoin(state, FORM)
    assert (reached.signal, reached.state.ending) == ("plan", None), "the page has nothing to run, and says so"
    assert reached.state.progress_by == NOW + RULES.context
    ended = ledger.resume(reached.state, FORM, 2, {}, NOW, RULES).state
    assert ended.ending is not None
    assert ended.ending.follow_up
