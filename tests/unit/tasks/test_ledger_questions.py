"""The questions that a failed step asks the visitor (ledger.py)."""

import pytest

from leflux.tasks import ledger
from leflux.tasks.plans import PlannedStep, Target
from tests.unit.tasks.test_ledger import HOME, NOW, RULES, reason, refused, rejoin, report, start, statuses, task


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("covered", "“Cookies” is in the way of “Open it”"),
        ("ambiguous", "More than one thing"),
        ("element_missing", "cannot find"),
    ],
)
def test_what_the_visitor_can_mend_is_asked_about(error: str, told: str) -> None:
    change = report(start(task(), 0), 0, success=False, error=error, description="Cookies")
    question = change.state.question
    assert question is not None
    assert (change.signal, question.kind) == ("ask", "missing")
    assert told in question.message
    assert statuses(ledger.respond(change.state, True, NOW, RULES).state)[0] == "pending"


def test_a_click_that_nobody_has_agreed_to_is_made_only_after_a_yes_to_just_this_one() -> None:
    guarded = PlannedStep("click", Target(name="Open"), description="Open it", guarded=True)
    asked = report(
        start(task(guarded, guarded), 0), 0, success=False, error="consent_needed", description="Pay now"
    ).state
    assert asked.question is not None
    assert (asked.question.kind, asked.question.message) == ("consent", "May I do this for you: “Pay now”?")
    assert refused(start, asked, 0) == "question_open"
    assert rejoin(asked, HOME).signal == "ask"
    agreed = ledger.respond(asked, True, NOW, RULES)
    assert [step.guarded for step in agreed.state.steps] == [False, True]
    assert reason(ledger.respond(asked, False, NOW, RULES).state) == "cancelled"
