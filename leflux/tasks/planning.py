"""Turns a checked plan into a task: ids, the page of each step, and the limit of a chain of plans."""

import hashlib

import msgspec

from leflux.tasks import texts
from leflux.tasks.ledger import LedgerRules, gated
from leflux.tasks.model import Step, TaskState, derived_id
from leflux.tasks.plans import Plan, PlannedStep

MAX_PLANS = 30
MAX_REPEATS = 2


class Stuck(Exception):
    """The chain of plans makes no progress. The message is for the visitor."""


def task_id(session_id: str, question_seq: int) -> str:
    """The id of the task that answers a question; the same in every process."""
    return derived_id("task", session_id, question_seq)


def fingerprint(steps: list[PlannedStep], url: str) -> str:
    """A fingerprint of a plan's steps and page."""
    acts = [msgspec.structs.replace(step, description="") for step in steps]
    return hashlib.blake2b(url.encode() + msgspec.json.encode(acts), digest_size=8).hexdigest()


def chain(before: tuple[str, ...], steps: list[PlannedStep], url: str) -> tuple[str, ...]:
    """Add a plan to the fingerprints of its chain. Raises `Stuck` when the chain is too long or repeats itself."""
    if len(before) >= MAX_PLANS:
        raise Stuck(texts.TOO_MANY_PLANS)
    mark = fingerprint(steps, url)
    if before.count(mark) >= MAX_REPEATS or (before and before[-1] == mark):
        raise Stuck(texts.LOOP)
    return (*before, mark)


def begin(
    task: str,
    plan: Plan,
    steps: list[PlannedStep],
    url: str,
    plans: tuple[str, ...],
    say: str,
    now: int,
    rules: LedgerRules,
) -> TaskState:
    """A task that is about to run its first step, or waits for the visitor's consent."""
    state = TaskState(
        task_id=task,
        status="running",
        steps=tuple(_steps(task, steps, url)),
        cursor=0,
        progress_by=now + rules.step + (steps[0].wait_ms or 0),
        say=say,
        done=plan.done,
        data=plan.data,
        follow_up=plan.follow_up,
        plans=plans,
    )
    return state if plan.confirm is None else gated(state, plan.confirm, now, rules)


def _steps(task: str, planned: list[PlannedStep], url: str) -> list[Step]:
    steps = []
    for number, step in enumerate(planned):
        steps.append(
            Step(
                id=derived_id("step", task, number),
                action=step.action,
                expect_url=url,
                status="pending",
                element_id=step.element_id,
                target=step.target,
                url=step.url,
                input_data=step.value,
                wait_duration=step.wait_ms,
                description=step.description,
                guarded=step.guarded,
                expect=step.expect,
            )
        )
        url = step.url or url
    return steps
