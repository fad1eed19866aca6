"""Changes of a task's state that need no clock: its steps, and its end (T5)."""

from msgspec.structs import replace

from leflux.protocol import Seen
from leflux.tasks import texts
from leflux.tasks.model import Ending, Reason, Step, TaskState, is_web


def abort(state: TaskState, reason: Reason, text: str | None = None, closes_turn: int | None = None) -> TaskState:
    """Decide that the task ends (T5)."""
    ending = Ending("aborted", text or texts.ABORTED[reason], reason, closes_turn)
    return replace(state, ending=state.ending or ending)


def postpone(state: TaskState, until: int) -> TaskState:
    """Hold the task until then (ms): a person has the conversation."""
    return replace(state, status="held", held_until=until) if state.ending is None else state


def ended(state: TaskState) -> TaskState:
    """Mark the task as ended: its last message is stored."""
    if (ending := state.ending) is None:
        return state
    return replace(state, status=ending.status, reason=ending.reason, ending=None, question=None, held_until=None)


def succeed(state: TaskState, seen: Seen | None = None) -> TaskState:
    """Decide that the task is done. `seen`: what the page shows at the end."""
    text = texts.summary(summary(state), seen) if state.follow_up else texts.done(state.done, seen)
    ending = Ending("done", text, follow_up=state.follow_up)
    return replace(state, ending=state.ending or ending)


def summary(state: TaskState) -> str:
    """The done steps in one line."""
    return "; ".join(texts.name(step) for step in state.steps if step.status == "done") or texts.DONE


def with_step(state: TaskState, index: int, step: Step) -> TaskState:
    return replace(state, steps=(*state.steps[:index], step, *state.steps[index + 1 :]))


def again(step: Step) -> Step:
    return replace(step, status="pending", started_by=0, error=None)


def agreed(step: Step) -> Step:
    """The step as it runs after the visitor's yes to just this click."""
    return replace(again(step), guarded=False)


def reroute(state: TaskState, url: str | None) -> TaskState:
    """Store the page that the visitor is on now, as a step has reported it."""
    if url is None or not is_web(url):
        return state
    steps = list(state.steps)
    for index, step in enumerate(steps[state.cursor :], state.cursor):
        steps[index] = replace(step, expect_url=url)
        if step.url is not None:
            break
    return replace(state, steps=tuple(steps))
