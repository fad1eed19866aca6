"""Commands that a visitor types while a task runs: "stop" ends it, "yes" and "no" answer its question.

The agent gets every other text.
"""

import re
from typing import Literal

from backends.records import SessionRef
from leflux import protocol
from leflux.common.catalogue import heard
from leflux.tasks import texts
from leflux.tasks.engine import Reply, TaskEngine
from leflux.tasks.ledger import ReportRejected

_STOP = frozenset(heard("stop"))
_YES = frozenset(heard("yes"))
_NO = frozenset(heard("no"))
_NOISE = re.compile(r"[^\w\s]+")

Heard = Reply | Literal["closed"] | None


async def obeyed(tasks: TaskEngine, ref: SessionRef, question: protocol.StoredMessage) -> Heard:
    """The reply to a command, "closed" when the task's last message answers it, or None for other text."""
    if question.role != "visitor":
        return None
    words = " ".join(_NOISE.sub("", question.text).casefold().split())
    if not words or words not in _STOP | _YES | _NO or (task := await tasks.live(ref)) is None:
        return None
    try:
        return await _obey(tasks, ref, words, None if task.question is None else task.question.kind, question.seq)
    except ReportRejected:
        # The task has ended, or the question was answered, meanwhile.
        return None


async def _obey(tasks: TaskEngine, ref: SessionRef, words: str, asked: str | None, seq: int) -> Heard:
    if words in _STOP or (words in _NO and asked in ("gate", "missing")):
        await tasks.cancel(ref, closes_turn=seq)
        return "closed"
    if asked is None:
        return None
    await tasks.answer(ref, confirmed=words in _YES)
    return Reply(texts.GOING_ON)
