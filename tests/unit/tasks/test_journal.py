"""What the tab's journal changes in the ledger, and what it never changes (T7)."""

from typing import Any

import pytest

from leflux.protocol import ActionResult, FieldProblem, Seen, SequenceResult, TaskJournal
from leflux.tasks import journal, ledger
from leflux.tasks.journal import Arrival
from leflux.tasks.ledger import Change
from leflux.tasks.model import TaskState
from leflux.tasks.plans import PlannedStep, Target
from tests.unit.tasks.test_ledger import CLICK, FORM, HOME, NOW, RULES, reason, report, statuses, task

OLD, NEW = "page-1", "page-2"
SUBMIT = PlannedStep("click", Target(name="Send"), description="Send it")
DONE = ActionResult(True, url=HOME)


def begun(*steps: PlannedStep, **plan: Any) -> TaskState:
    """A task whose first step was started by the page `OLD`, which has left."""
    state = task(*steps, **plan)
    started = ledger.start(state, state.steps[0].id, 1, NOW, RULES, OLD).state
    return ledger.hold(started, NOW, RULES).state


def wrote(state: TaskState, written: str | None = None, number: int = 0, **more: Any) -> TaskJournal:
    fields: dict[str, Any] = {"task_id": state.task_id, "page": OLD, "left": True, "state": written}
    return TaskJournal(**(fields | {"action_id": state.steps[number].id} | more))


def joined(
    state: TaskState, written: TaskJournal | None, page: str = NEW, url: str = HOME, overdue: bool = False
) -> Change:
    return journal.rejoin(state, Arrival(url, page, 2, written), NOW, RULES, overdue)


def test_a_click_that_the_journal_says_is_done_is_neither_repeated_nor_asked_about() -> None:
    state = begun()
    change = joined(state, wrote(state, "done", result=DONE))
    assert (change.signal, change.state.question) == ("plan", None)
    assert statuses(change.state) == ["done", "pending", "pending"]


@pytest.mark.parametrize("about", ["undone", None])
def test_a_click_that_has_surely_not_happened_is_done_without_a_question(about: Any) -> None:
    """The journal says so, or it knows the task and the page, which has left in order, and nothing of the step."""
    state = begun()
    change = joined(state, wrote(state, about, action_id=None if about is None else state.steps[0].id))
    assert (change.signal, change.state.question) == ("plan", None)
    assert statuses(change.state) == ["pending", "pending", "pending"]


@pytest.mark.parametrize(
    "more",
    [{"state": "begun"}, {"state": None, "action_id": None, "left": False}, {"page": "forged"}, {"task_id": "other"}],
)
def test_only_a_real_doubt_is_asked_about(more: dict[str, Any]) -> None:
    state = begun()
    change = joined(state, wrote(state, **({"written": more.pop("state", None)} | more)))
    assert change.signal == "ask"
    assert change.state.question is not None
    assert change.state.question.kind == "repeat"


def test_a_late_report_answers_the_question() -> None:
    """The older tab tells the newer one what it has done."""
    state = begun()
    asked = joined(state, None).state
    assert asked.question is not None
    change = joined(asked, wrote(state, "done", result=DONE))
    assert (change.signal, change.state.question, change.state.cursor) == ("plan", None, 1)
    again = joined(asked, wrote(state, "undone"))
    assert (again.signal, again.state.question, again.state.cursor) == ("plan", None, 0)


def test_the_page_that_a_click_has_led_to_verifies_it_and_does_not_click_again() -> None:
    state = begun(SUBMIT, CLICK)
    change = joined(state, wrote(state, "arrived"), url=FORM)
    assert (change.signal, change.state.page, statuses(change.state)[0]) == ("plan", NEW, "started")
    assert joined(change.state, None, url=FORM).signal == "none", "a reconnect of the new page"
    done = report(change.state, 0, url=FORM)
    assert statuses(done.state) == ["done", "pending"]
    assert done.state.steps[1].expect_url == FORM, "it goes on where the click has led"


def test_a_report_that_comes_with_the_join_is_in_time_and_without_one_the_hold_counts() -> None:
    state = begun()
    assert joined(state, wrote(state, "done", result=DONE), overdue=True).state.cursor == 1
    assert reason(joined(state, None, overdue=True).state) == "reload"
    assert reason(joined(state, wrote(state, "begun"), overdue=True).state) == "reload"


def test_a_forged_or_replayed_journal_changes_nothing_that_is_closed() -> None:
    state = begun()
    after = joined(state, wrote(state, "done", result=DONE)).state
    for number in range(3):
        forged = wrote(after, "done", number, result=ActionResult(True, url="http://evil.test/"))
        assert statuses(joined(after, forged).state) == statuses(after)
    failed = wrote(after, "done", result=ActionResult(False, error="page_failed"))
    assert joined(after, failed).state.ending is None
    ended = ledger.finish(after, SequenceResult(False, error="cancelled")).state
    assert joined(ended, wrote(state, "done", result=DONE)).state == ended


@pytest.mark.parametrize("garbage", [None, 7, "x", [], {}, {"taskId": 1}, {"taskId": "t", "page": "p", "state": "no"}])
def test_a_journal_that_cannot_be_read_counts_as_none(garbage: Any) -> None:
    assert journal.read(garbage) is None


def test_a_stop_that_the_server_has_not_heard_comes_with_the_join() -> None:
    state = begun()
    assert reason(joined(state, wrote(state, stopped=True)).state) == "cancelled"


def test_a_page_that_has_given_up_the_steps_does_not_go_on_by_itself() -> None:
    state = begun()
    assert joined(state, wrote(state, "begun", left=False), page=OLD).signal == "none"
    assert joined(state, wrote(state, "begun"), page=OLD).signal == "ask"


def test_the_last_page_tells_what_it_shows() -> None:
    state = begun(SUBMIT, done="Ordered: {page.title}, {page.status}.")
    change = joined(state, wrote(state, "done", result=DONE))
    assert (change.signal, change.state.ending) == ("plan", None)
    seen = Seen(title="Thanks", status="Order 7")
    ended = ledger.finish(change.state, SequenceResult(True, seen=seen)).state
    assert ended.ending is not None
    assert ended.ending.text == "Ordered: Thanks, Order 7."


@pytest.mark.parametrize(
    ("done", "seen", "told"),
    [
        ("", Seen(title="T", heading="Thank you"), "Done. The page shows: “Thank you”."),
        ("", Seen(), "Done."),
        ("Ordered.", Seen(alert="Card declined"), "Ordered. (The page says: “Card declined”.)"),
        ("Ordered.", Seen(status="Order 7"), "Ordered."),
    ],
)
def test_the_end_says_what_was_seen(done: str, seen: Seen, told: str) -> None:
    state = report(begun(SUBMIT, done=done), 0).state
    ended = ledger.finish(state, SequenceResult(True, seen=seen)).state
    assert ended.ending is not None
    assert ended.ending.text == told


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"error": "page_failed", "status": 500, "seen": Seen(heading="Oops")}, "an error (500): “Oops”."),
        ({"error": "expectation_failed", "seen": Seen(alert="Declined")}, "The page shows: “Declined”."),
        ({"error": "page_not_reached", "seen": Seen(title="Form")}, "did not lead to the page that I expected"),
        ({"error": "page_not_reached"}, "did not work on the page"),
    ],
)
def test_a_task_that_fails_says_what_was_seen(result: dict[str, Any], told: str) -> None:
    ending = report(begun(SUBMIT), 0, success=False, **result).state.ending
    assert ending is not None
    assert (ending.status, ending.reason) == ("aborted", "failed")
    assert told in ending.text


def test_a_form_that_is_not_accepted_is_asked_about_by_its_fields() -> None:
    fields = [FieldProblem("Email", "Please fill out this field."), FieldProblem("Phone")]
    change = report(begun(SUBMIT), 0, success=False, error="invalid_form", fields=fields)
    assert change.state.question is not None
    assert change.state.question.kind == "missing"
    assert "“Email”: Please fill out this field.; “Phone”" in change.state.question.message
    interrupted = report(begun(SUBMIT), 0, success=False, error="interrupted")
    assert interrupted.state.question is not None
    assert interrupted.state.question.kind == "repeat"
