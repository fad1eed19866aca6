"""Any order of reports, reloads, answers and deadlines, against what must hold of every task."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from leflux.protocol import ActionResult, SequenceResult
from leflux.tasks import ledger, planning, task_changes
from leflux.tasks.ledger import Change, LedgerRules, ReportRejected
from leflux.tasks.model import TaskState, decode, encode
from leflux.tasks.plans import Plan, PlannedStep, Target

RULES = LedgerRules(hold=30_000, beat=5_000)
PAGES = [f"http://shop.test/{name}" for name in ("", "a", "b")]
SHAPES = [
    PlannedStep("click", Target(name="x")),
    PlannedStep("click", Target(name="x"), url=PAGES[1]),
    PlannedStep("type", Target(name="x"), value="v"),
    PlannedStep("navigate", url=PAGES[2]),
    PlannedStep("wait", wait_ms=5),
]
numbers = st.integers(0, 4)


class Life(RuleBasedStateMachine):
    """Pages that come, report and go; `runs` are the steps that a page was allowed to run, with its epoch."""

    @initialize(shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=5), confirm=st.booleans())
    def begin(self, shapes: list[PlannedStep], confirm: bool) -> None:
        self.now = 0
        self.epoch = 1
        self.runs: list[tuple[str, int]] = []
        self.allowed: dict[str, int] = {}
        plan = Plan(shapes, confirm="Shall I?" if confirm else None)
        self.state: TaskState = planning.begin("t", plan, shapes, PAGES[0], (), "", self.now, RULES)
        self.consented = not confirm

    @precondition(lambda self: self.state.ending is not None)
    @rule(shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=5), confirm=st.booleans())
    def begin_another(self, shapes: list[PlannedStep], confirm: bool) -> None:
        over = task_changes.ended(self.state)
        assert not over.is_live
        assert ledger.deadline(over, self.now, RULES) is None
        self.begin(shapes, confirm)

    def apply(self, call: Any, *arguments: Any) -> Change | None:
        before = self.state
        try:
            change: Change = call(before, *arguments)
        except ReportRejected:
            return None
        done = [step.id for step in before.steps if step.status == "done"]
        after = change.state
        assert [step.id for step in after.steps if step.status == "done"][: len(done)] == done, "done stays done"
        assert after.cursor >= before.cursor
        assert before.ending is None or after.ending == before.ending, "the end is decided once"
        assert decode(encode(after)) == after
        self.state = after
        return change

    @precondition(lambda self: self.state.ending is None)
    @rule(number=numbers, late=st.booleans())
    def start(self, number: int, late: bool) -> None:
        step = self.state.steps[number % len(self.state.steps)]
        epoch = self.epoch - late
        if (change := self.apply(ledger.start, step.id, epoch, self.now, RULES)) is not None:
            assert change.state.question is None
            assert change.state.status == "running"
            if (step.id, epoch) not in self.runs:
                self.runs.append((step.id, epoch))

    @precondition(lambda self: self.state.ending is None)
    @rule(number=numbers, success=st.booleans(), error=st.sampled_from(["element_missing", "boom"]))
    def complete(self, number: int, success: bool, error: str) -> None:
        step = self.state.steps[number % len(self.state.steps)]
        result = ActionResult(success, error=None if success else error)
        self.apply(ledger.complete, step.id, result, self.now, RULES)

    @precondition(lambda self: self.state.ending is None)
    @rule(success=st.booleans(), error=st.sampled_from([None, "cancelled"]))
    def finish(self, success: bool, error: str | None) -> None:
        self.apply(ledger.finish, SequenceResult(success, error=error))

    @precondition(lambda self: self.state.ending is None)
    @rule(page=st.sampled_from([*PAGES, None]), seen=st.booleans(), overdue=st.booleans())
    def reload(self, page: str | None, seen: bool, overdue: bool) -> None:
        if seen:
            self.apply(ledger.hold, self.now, RULES)
        self.epoch += 1
        self.apply(ledger.rejoin, page, self.now, RULES, overdue and page is None)

    @precondition(lambda self: self.state.ending is None)
    @rule(confirmed=st.booleans())
    def respond(self, confirmed: bool) -> None:
        question = self.state.question
        if self.apply(ledger.respond, confirmed, self.now, RULES) is not None and confirmed and question is not None:
            self.consented = True
            self.allowed[question.action_id] = self.allowed.get(question.action_id, 0) + 1

    @precondition(lambda self: self.state.ending is None)
    @rule(seconds=st.integers(1, 700))
    def wait(self, seconds: int) -> None:
        due = ledger.deadline(self.state, self.now, RULES)
        self.now += seconds * 1000
        assert due is not None, "a live task always has a deadline"
        if self.now >= due:
            self.apply(ledger.expire, self.now)
            assert self.state.ending is not None

    @invariant()
    def a_click_runs_again_only_with_consent(self) -> None:
        for step in self.state.steps:
            runs = sum(1 for run, _ in self.runs if run == step.id)
            if step.action == "click":
                assert runs <= 1 + self.allowed.get(step.id, 0)

    @invariant()
    def nothing_runs_before_consent(self) -> None:
        assert self.consented or not self.runs

    @invariant()
    def steps_are_done_in_order(self) -> None:
        statuses = [step.status for step in self.state.steps]
        assert statuses[: self.state.cursor] == ["done"] * self.state.cursor
        assert all(status == "pending" for status in statuses[self.state.cursor + 1 :])

    @invariant()
    def success_means_that_all_is_done(self) -> None:
        if self.state.ending is not None and self.state.ending.status == "done":
            assert self.state.next is None


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=30, deadline=None, database=None)
