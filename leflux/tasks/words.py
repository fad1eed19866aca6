"""What a visitor types while a task runs: “stop” ends it, “yes” and “no” answer its question.

Everything else is for the agent.
"""

import re
from typing import Literal

from backends.records import SessionRef
from leflux import wire
from leflux.tasks import texts
from leflux.tasks.engine import Reply, Tasks
from leflux.tasks.ledger import Refused

_STOP = frozenset(
    {"stop", "stop it", "stop that", "stop now", "please stop", "stop please", "cancel", "cancel it", "cancel that"}
    | {"please cancel", "abort", "quit", "halt", "never mind", "nevermind", "forget it"}
    | {"stopp", "abbrechen", "abbruch", "annuler", "cancelar", "para", "отмена", "стоп"}
)
_YES = frozenset(
    {"yes", "y", "yes please", "yeah", "yep", "sure", "ok", "okay", "go", "go ahead", "do it", "confirm"}
    | {"ja", "oui", "si", "sí", "да"}
)
_NO = frozenset({"no", "n", "nope", "no thanks", "no thank you", "dont", "do not", "nein", "non", "нет"})
_NOISE = re.compile(r"[^\w\s]+")

Heard = Reply | Literal["closed"] | None


async def heard(tasks: Tasks, ref: SessionRef, question: wire.StoredMessage) -> Heard:
    """A reply when the words were for the task, "closed" when the task's own last message answers them, else None."""
    if question.role != "visitor":
        return None
    words = " ".join(_NOISE.sub("", question.text).casefold().split())
    if not words or words not in _STOP | _YES | _NO or (task := await tasks.live(ref)) is None:
        return None
    try:
        return await _obey(tasks, ref, words, None if task.question is None else task.question.kind, question.seq)
    except Refused:
        # It ended or was answered in the meantime.
        return None


async def _obey(tasks: Tasks, ref: SessionRef, words: str, asked: str | None, seq: int) -> Heard:
    if words in _STOP or (words in _NO and asked in ("gate", "missing")):
        await tasks.cancel(ref, closes_turn=seq)
        return "closed"
    if asked is None:
        return None
    await tasks.answer(ref, confirmed=words in _YES)
    return Reply(texts.GOING_ON)
