"""What the visitor is told about a task."""

from typing import Literal

from leflux.tasks.model import Question, Reason, Step

ABORTED: dict[Reason, str] = {
    "reload": "The page was reloaded before I was finished, so I stopped here. What would you like to do next?",
    "timeout": "I waited for the page but it did not answer, so I stopped here. What would you like to do next?",
    "failed": "I could not finish this on the page, so I stopped. What would you like to do next?",
    "cancelled": "All right, I have stopped. What would you like to do next?",
}
DONE = "Done."
BUSY = "I am still busy with the task before. Say “stop” to end it."
LOOP = "I was about to repeat the same steps without getting any further, so I stopped. What should I do instead?"
TOO_MANY_PLANS = "This takes more steps than I may do in one go, so I stopped. What should I do instead?"
GOING_ON = "All right, I am going on."
BEGUN = "On it."
CONFIRM, CANCEL = "Go ahead", "Cancel"
AGAIN, HAPPENED = "Click again", "It happened, go on"
LOOK_AGAIN, STOP = "Try again", "Stop"


def failed(step: Step) -> str:
    return f"I could not finish this: “{name(step)}” did not work on the page. What would you like to do next?"


def question(kind: Literal["repeat", "missing"], step: Step) -> Question:
    """What the visitor is asked about a step."""
    if kind == "repeat":
        return Question(kind, step.id, repeat(step), AGAIN, HAPPENED)
    return Question(kind, step.id, missing(step), LOOK_AGAIN, STOP)


def repeat(step: Step) -> str:
    return (
        f"The page was interrupted while I did this: “{name(step)}”. I cannot tell whether it happened. "
        "Shall I click again?"
    )


def missing(step: Step) -> str:
    return f"I cannot find what I need on this page for “{name(step)}”. Shall I look again?"


def name(step: Step) -> str:
    """The step as a person would call it."""
    target = step.target
    called = (target.name or target.label or target.selector) if target is not None else None
    return step.description or f"{step.action.replace('_', ' ')} {called or step.url or ''}".strip()
