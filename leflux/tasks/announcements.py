"""What the page of a task is told after a change: the steps that are left, or a question to the visitor."""

from collections.abc import Sequence
from typing import Any

from leflux import protocol
from leflux.tasks.ledger import Change


def announcement(change: Change, hosts: Sequence[str]) -> tuple[str, dict[str, Any]] | None:
    """The event and its payload; None when there is nothing to tell. `hosts`: of the task's site."""
    state, question = change.state, change.state.question
    if change.signal == "ask" and question is not None:
        asked = {
            "taskId": state.task_id,
            "actionId": question.action_id,
            "message": question.message,
            "confirm_label": question.confirm_label,
            "cancel_label": question.cancel_label,
            "kind": question.kind,
        }
        return protocol.CONFIRMATION_REQUIRED, asked
    if change.signal == "plan":
        plan: dict[str, Any] = {"taskId": state.task_id, "actions": list(state.steps[state.cursor :])}
        plan |= {"isSequence": True, "hosts": list(hosts)}
        plan |= {"message": state.say} if state.say else {}
        plan |= {"resumed": True} if change.resumed else {}
        return protocol.ACTION_PLAN, plan
    return None
