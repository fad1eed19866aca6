"""From a plan to a stored task: pages, ids, chains, and the role and name by which each step knows its element."""

from typing import Any

import pytest

from leflux.chat.conversation_ids import is_session_id
from leflux.protocol import ActionResult
from leflux.tasks import ledger, planning
from leflux.tasks.checks import PageDescription, PlanRefused, check
from leflux.tasks.ledger import Change, LedgerRules
from leflux.tasks.model import TaskState, decode, derived_id, encode, same_page
from leflux.tasks.plans import Plan, PlannedStep, Target
from leflux.tasks.targets import pinned

RULES = LedgerRules(hold=30_000, beat=5_000)
HOME = "http://shop.test/"
FORM = "http://shop.test/form"
NOW = 1_000_000
EPOCH = 2
CLICK = PlannedStep("click", Target(name="Open"), description="Open it")
TYPE = PlannedStep("type", Target(name="Name"), value="Ada")
SAVE = {"id": "e1", "role": "button", "name": "Save"}
DELETE = {"id": "e2", "role": "button", "name": "Delete"}
PAGE = {"url": HOME, "elements": [SAVE, DELETE]}


def planned(*steps: PlannedStep, context: dict[str, Any] | None = None) -> list[PlannedStep]:
    """The steps as they are recorded on a page that describes itself so."""
    return check(list(steps), PageDescription(HOME, PAGE if context is None else context, lambda _: True))


def task(*steps: PlannedStep) -> TaskState:
    return planning.begin("t", Plan(list(steps)), list(steps), HOME, (), "", NOW, RULES)


def missing(state: TaskState) -> TaskState:
    """The task when its page has looked for the first step's element in vain."""
    started = ledger.start(state, state.steps[0].id, EPOCH, NOW, RULES).state
    result = ActionResult(False, error=ledger.ELEMENT_MISSING)
    return ledger.complete(started, state.steps[0].id, result, NOW, RULES).state


def resume(state: TaskState, *elements: dict[str, str], url: str = HOME, **more: Any) -> Change:
    return ledger.resume(state, url, EPOCH, {"elements": list(elements)} | more, NOW, RULES)


def test_a_step_is_recorded_with_the_role_and_the_name_of_the_element_whose_id_it_names() -> None:
    [step] = planned(PlannedStep("click", element_id="e2"))
    assert (step.element_id, step.target) == ("e2", Target(role="button", name="Delete"))
    [said] = planned(PlannedStep("click", Target(name="del"), element_id="e2"))
    assert said.target == Target(role="button", name="Delete"), "exactly as the page calls it"


def test_a_step_that_contradicts_itself_keeps_what_it_says_for_the_page_to_look_for() -> None:
    said = PlannedStep("click", Target(name="Save"), element_id="e2")
    assert planned(said) == [said]
    link = PlannedStep("click", Target(role="link", name="Delete"), element_id="e2")
    assert planned(link) == [link]


@pytest.mark.parametrize("context", [{}, {"elements": None}, {"elements": [7, {"id": ["e9"], "name": {}}, SAVE]}])
def test_an_element_that_the_page_does_not_list_is_in_no_plan(context: dict[str, Any]) -> None:
    with pytest.raises(PlanRefused, match="does not list"):
        planned(PlannedStep("click", element_id="e9"), context=context)


def test_a_field_that_is_named_by_its_id_alone_is_judged_by_its_name() -> None:
    context = {"elements": [{"id": "e1", "role": "textbox", "name": "Card number"}]}
    with pytest.raises(PlanRefused, match="never filled"):
        planned(PlannedStep("type", element_id="e1", value="x"), context=context)


def test_after_a_reload_only_the_same_element_will_do() -> None:
    save, email = PlannedStep("click", Target(name="save")), PlannedStep("type", Target(label="Email"), value="x")
    field = {"id": "e3", "role": "textbox", "name": "Email"}
    leave, later = PlannedStep("navigate", url=FORM), PlannedStep("click", Target(name="Delete"))
    state = pinned(task(save, email, leave, later), {"url": HOME + "#top", "elements": [SAVE, DELETE, field]})
    told = [(step.element_id, step.target) for step in state.steps]
    assert told[:2] == [("e1", Target(role="button", name="Save")), ("e3", Target(role="textbox", name="Email"))]
    assert told[2:] == [(None, None), (None, Target(name="Delete"))], "what comes later is for another page to say"


@pytest.mark.parametrize(
    ("target", "context"),
    [
        (Target(name="Sav"), PAGE),
        (Target(role="link", name="Save"), PAGE),
        (Target(selector="#save"), PAGE),
        (Target(name="Save"), PAGE | {"elements": [SAVE, SAVE | {"id": "e9"}]}),
        (Target(name="Save"), PAGE | {"url": FORM}),
        (Target(name="Save"), {}),
    ],
)
def test_a_name_that_is_loose_or_unclear_before_the_reload_stays_as_it_is(target: Target, context: Any) -> None:
    state = task(PlannedStep("click", target))
    assert pinned(state, context) == state


def test_a_page_that_has_what_was_missing_goes_on_and_one_that_still_lacks_it_is_asked_about() -> None:
    state = missing(task(*planned(PlannedStep("click", element_id="e2"))))
    lacking = resume(state, SAVE)
    assert (lacking.signal, lacking.state.question) == ("ask", state.question)
    change = resume(state, SAVE, DELETE | {"id": "e7"})
    assert (change.signal, change.state.question) == ("plan", None)
    assert change.state.steps[0].status == "pending"


def test_a_page_that_returns_without_what_the_next_step_needs_is_asked_about() -> None:
    held = ledger.hold(task(*planned(PlannedStep("click", element_id="e2"))), NOW, RULES).state
    change = resume(held, SAVE)
    assert change.signal == "ask"
    assert change.state.question is not None
    assert change.state.question.kind == "missing"
    assert resume(held, SAVE, DELETE).signal == "plan"


def test_a_page_that_may_have_more_than_it_lists_is_not_judged() -> None:
    held = ledger.hold(task(CLICK), NOW, RULES).state
    many = [SAVE | {"id": f"e{number}"} for number in range(120)]
    assert resume(held, *many).signal == "plan"
    assert ledger.resume(held, HOME, EPOCH, {"url": HOME}, NOW, RULES).signal == "plan"
    selector = PlannedStep("click", Target(selector="#menu"))
    assert resume(ledger.hold(task(selector), NOW, RULES).state, SAVE).signal == "plan"


def test_a_page_that_says_it_is_ready_while_it_runs_a_step_is_sent_nothing() -> None:
    started = ledger.start(task(CLICK, TYPE), task(CLICK, TYPE).steps[0].id, EPOCH, NOW, RULES).state
    assert resume(started, SAVE) == Change(started), "or the click would be run twice"
    asked = ledger.resume(started, HOME, EPOCH + 1, {}, NOW, RULES)
    assert asked.signal == "ask", "another page did not run it"


def test_a_ready_page_answers_no_other_question() -> None:
    gated = planning.begin("t", Plan([CLICK], confirm="May I?"), [CLICK], HOME, (), "", NOW, RULES)
    change = resume(gated, SAVE, {"id": "e3", "role": "button", "name": "Open"})
    assert (change.signal, change.state.question) == ("ask", gated.question)


def test_a_page_that_is_not_the_expected_one_ends_the_task_whatever_it_has() -> None:
    change = resume(ledger.hold(task(CLICK), NOW, RULES).state, SAVE, url=FORM)
    assert change.state.ending is not None
    assert change.state.ending.reason == "reload"


def test_a_task_survives_its_json() -> None:
    state = missing(task(CLICK, TYPE))
    assert decode(encode(state)) == state
    assert is_session_id(derived_id("task", "x", 1))
    assert derived_id("task", "x", 1) == derived_id("task", "x", 1) != derived_id("task", "x", 2)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a/b?c=1#d", "http://a/b?c=1", True),
        ("http://a/b/", "http://a/b", True),
        ("http://a/b?c=1", "http://a/b?c=2", False),
        ("http://a/B", "http://a/b", False),
        ("http://a:8080/", "http://a/", False),
        ("https://a:443/", "https://a", True),
        ("http://[broken", "http://[broken", True),
        ("http://[broken", "http://a/", False),
    ],
)
def test_pages_are_compared_by_origin_path_and_query(one: str, other: str, same: bool) -> None:
    assert same_page(one, other) is same


def test_a_chain_of_plans_ends() -> None:
    marks: tuple[str, ...] = ()
    for number in range(planning.MAX_PLANS):
        marks = planning.chain(marks, [PlannedStep("wait", wait_ms=number)], HOME)
    with pytest.raises(planning.Stuck):
        planning.chain(marks, [PlannedStep("wait", wait_ms=99)], HOME)


def test_the_same_plan_again_is_a_loop_whatever_it_is_called() -> None:
    marks = planning.chain((), [CLICK], HOME)
    with pytest.raises(planning.Stuck):
        planning.chain(marks, [PlannedStep("click", Target(name="Open"), description="other words")], HOME)
    assert planning.chain(marks, [CLICK], FORM), "on another page it is another plan"
    back_and_forth = planning.chain(planning.chain(marks, [TYPE], HOME), [CLICK], HOME)
    back_and_forth = planning.chain(back_and_forth, [TYPE], HOME)
    with pytest.raises(planning.Stuck):
        planning.chain(back_and_forth, [CLICK], HOME)
