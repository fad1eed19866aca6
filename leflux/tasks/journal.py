"""What a tab's journal says of the step that it ran, applied to the ledger (T7).

A journal comes with a join. It is a report of the current step, if that was started by the page that wrote the journal.
It changes nothing else, so one that is forged, stale or sent again has no effect.
"""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from leflux.protocol import TaskJournal
from leflux.tasks import ledger
from leflux.tasks.ledger import Change, LedgerRules
from leflux.tasks.model import Step, TaskState
from leflux.tasks.task_changes import abort, again, reroute, with_step


def read(journal: Any) -> TaskJournal | None:
    """The journal as a page has sent it; None when it is none or cannot be read."""
    try:
        return msgspec.convert(journal, TaskJournal)
    except (msgspec.ValidationError, RecursionError):
        return None


class Arrival(Struct, frozen=True):
    """A page that joins: where it is, which instance of the page it is, the epoch of its socket, the tab's journal."""

    url: str | None
    page: str = ""
    epoch: int = 0
    journal: TaskJournal | None = None


def rejoin(state: TaskState, arrival: Arrival, now: int, rules: LedgerRules, overdue: bool = False) -> Change:
    """Apply the journal, then continue or end the task for the page. A report that comes with the join is in time."""
    url, page, journal = arrival.url, arrival.page, arrival.journal
    if journal is None or journal.task_id != state.task_id or state.ending is not None:
        return ledger.rejoin(state, url, now, rules, overdue, page)
    if journal.stopped:
        return Change(abort(state, "cancelled"))
    step = state.next
    if step is not None and step.status == "started" and state.page != "" and journal.page == state.page:
        change = _reported(state, step, journal, arrival, now, rules)
        if change.state.ending is not None or change.signal == "plan":
            return change
        overdue = overdue and change.state == state
        state = change.state
    if journal.left and journal.page == page:
        # The instance has ceased to run the steps, as after a takeover, so it does not go on by itself.
        state = replace(state, page="")
    return ledger.rejoin(state, url, now, rules, overdue, page, tells=True)


def _reported(
    state: TaskState, step: Step, journal: TaskJournal, arrival: Arrival, now: int, rules: LedgerRules
) -> Change:
    """The state after what the journal says of the started step. The signal `plan`: the page verifies the outcome."""
    about = journal.action_id == step.id
    if about and journal.result is not None:
        return replace(ledger.complete(state, step.id, journal.result, now, rules), signal="none")
    if about and journal.state == "arrived" and arrival.page != journal.page:
        # The page that the step has led to says what came of it. It does not run the step again.
        taken = with_step(state, state.cursor, replace(step, started_by=arrival.epoch))
        return Change(replace(ledger.running(reroute(taken, arrival.url), now, rules), page=arrival.page), "plan")
    is_undone = journal.state == "undone" if about else journal.left
    if not is_undone:
        return Change(state)
    doubts = state.question is not None and state.question.kind == "repeat"
    state = replace(state, question=None) if doubts else state
    return Change(with_step(state, state.cursor, again(step)))
