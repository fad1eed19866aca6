"""Texts about a task for the visitor."""

from typing import Literal

from leflux.protocol import ActionResult, Seen
from leflux.tasks.model import Reason, Step, TaskQuestion

About = Literal["repeat", "missing", "covered", "ambiguous", "consent", "invalid"]
QUOTED = 200

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


NEXT = "What would you like to do next?"


def failed(step: Step, result: ActionResult | None = None) -> str:
    """The end of a task whose step has failed, with what was seen."""
    error = result.error if result is not None else None
    shown = _shown(result.seen if result is not None else None)
    if error == "page_failed":
        status = f" ({result.status})" if result is not None and result.status else ""
        return f"The site answered “{name(step)}” with an error{status}{shown and f': {shown}'}. {NEXT}"
    if error == "expectation_failed":
        tells = f" The page shows: {shown}." if shown else ""
        return f"I did “{name(step)}”, but what should follow did not happen.{tells} {NEXT}"
    if error == "page_not_reached" and shown:
        return f"“{name(step)}” did not lead to the page that I expected. The page shows: {shown}. {NEXT}"
    return f"I could not finish this: “{name(step)}” did not work on the page. {NEXT}"


def done(text: str, seen: Seen | None) -> str:
    """The end of a task that is done. `text`: the agent's own words, which may quote the page."""
    shown = Seen() if seen is None else seen
    status = shown.alert or shown.status
    if not text:
        says = _shown(seen)
        return f"{DONE} The page shows: {says}." if says else DONE
    quoted = text.replace("{page.title}", _short(shown.title)).replace("{page.status}", _short(status))
    # An alert is often bad news that nobody has looked for.
    if shown.alert and "{page.status}" not in text:
        return f"{quoted} (The page says: “{_short(shown.alert)}”.)"
    return quoted


def summary(text: str, seen: Seen | None) -> str:
    """The done steps for the agent, with what the page shows."""
    says = _shown(seen)
    return f"{text}. The page shows: {says}" if says else text


def _shown(seen: Seen | None) -> str:
    """What a page shows, in quotes: what it says to the visitor, else its heading, else its title."""
    if seen is None:
        return ""
    told = [text for text in (seen.alert, seen.status) if text] or [seen.heading or seen.title]
    return ", ".join(f"“{_short(text)}”" for text in dict.fromkeys(told) if text)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= QUOTED else f"{plain[:QUOTED]}…"


def named(result: ActionResult) -> str:
    """What the failure of a step is about."""
    if not result.fields:
        return result.description or ""
    return "; ".join(f"“{_short(each.name)}”: {_short(each.message)}".rstrip(": ") for each in result.fields)


def question(about: About, step: Step, named: str = "") -> TaskQuestion:
    """The question about a step. `named`: what the page says it is about."""
    if about == "repeat":
        return TaskQuestion(about, step.id, repeat(step), AGAIN, HAPPENED)
    if about == "consent":
        return TaskQuestion(about, step.id, consent(step, named), CONFIRM, CANCEL)
    messages = {
        "missing": missing(step),
        "covered": covered(step, named),
        "ambiguous": ambiguous(step),
        "invalid": invalid(step, named),
    }
    return TaskQuestion("missing", step.id, messages[about], LOOK_AGAIN, STOP)


def consent(step: Step, named: str) -> str:
    return f"May I do this for you: “{named or name(step)}”?"


def covered(step: Step, cover: str) -> str:
    over = f"“{cover[:80]}”" if cover else "Something"
    return f"{over} is in the way of “{name(step)}”. Please close it. Shall I look again?"


def invalid(step: Step, fields: str) -> str:
    about = f": {fields}" if fields else ""
    return f"The page does not accept the form of “{name(step)}”{about}. Please fill this in. Shall I try again?"


def ambiguous(step: Step) -> str:
    return f"More than one thing on this page fits “{name(step)}”, so I cannot tell which you mean. Shall I look again?"


def repeat(step: Step) -> str:
    return (
        f"The page was interrupted while I did this: “{name(step)}”. I cannot tell whether it happened. "
        "Shall I click again?"
    )


def missing(step: Step) -> str:
    return f"I cannot find what I need on this page for “{name(step)}”. Shall I look again?"


def name(step: Step) -> str:
    """A step in words."""
    target = step.target
    called = (target.name or target.label or target.selector) if target is not None else None
    return step.description or f"{step.action.replace('_', ' ')} {called or step.url or ''}".strip()
