"""Runs the owner's tasks and passes every other question to another agent."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from leflux.agents.base import Agent, AgentEvent, Ask, Delta, Done, Plan, Question
from leflux.agents.playbook.reader import PLACEHOLDER, PlaybookTask, normalize
from leflux.agents.playbook.visitor_data import AGAIN, QUESTIONS, asked_for, extract, known
from leflux.protocol import StoredMessage
from leflux.tasks.plans import Expect

HISTORY = 60
TASK_KEY = "playbook"


class PlaybookAgent:
    """Matches a message to a task by its phrases, asks for the data that the task needs, one at a time, and plans the
    task.

    The `data` of its messages says which question was asked for which task, so any process can continue. `fallback`
    answers what matches no task; without one, the visitor is told what is possible.
    """

    def __init__(self, tasks: Sequence[PlaybookTask], fallback: Agent | None = None) -> None:
        self._tasks = {task.id: task for task in tasks}
        self._fallback = fallback

    async def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        history = await question.history(HISTORY)
        pending = self._pending(history)
        task = self._match(question.message.text)
        if task is None and pending is not None and not _changes_subject(pending[1], question.message.text):
            task, asked = pending
            if extract(asked, question.message.text) is None:
                yield Ask(AGAIN[asked], asked, {TASK_KEY: task.id})
                return
        if question.results is not None or task is None:
            async with aclosing(self._other(question)) as events:
                async for event in events:
                    yield event
            return
        stored, _ = await question.context()
        context: Any = msgspec.json.decode(stored) if stored is not None else {}
        yield _next(task, known(context, [*history, question.message]))

    def _pending(self, history: list[StoredMessage]) -> tuple[PlaybookTask, str] | None:
        """The task that waits for the answer to our last message."""
        last = next((message for message in reversed(history) if message.role != "visitor"), None)
        asked = asked_for(last) if last is not None else None
        if last is None or asked is None or last is not history[-1]:
            return None
        task = self._tasks.get(last.data.get(TASK_KEY, "")) if isinstance(last.data, dict) else None
        return None if task is None else (task, asked)

    def _match(self, text: str) -> PlaybookTask | None:
        said = f" {normalize(text)} "
        hits = [
            (len(phrase), task) for task in self._tasks.values() for phrase in task.phrases if f" {phrase} " in said
        ]
        return max(hits, key=lambda hit: hit[0])[1] if hits else None

    async def _other(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        if self._fallback is not None:
            async with aclosing(self._fallback.reply(question)) as events:
                async for event in events:
                    yield event
            return
        offers = ", ".join(f"“{task.phrases[0]}”" for task in self._tasks.values())
        yield Delta(f"I can help with this: {offers}.")
        yield Done()

    async def close(self) -> None:
        if self._fallback is not None:
            await self._fallback.close()


def _changes_subject(asked: str, text: str) -> bool:
    """Whether the answer is a question or a refusal rather than the datum."""
    if normalize(text) in {"stop", "cancel", "never mind", "nevermind", "no", "no thanks", "forget it"}:
        return True
    return text.rstrip().endswith("?") and (asked == "name" or extract(asked, text) is None)


def _filled(expect: Expect, fill: Callable[..., str]) -> Expect:
    url = None if expect.url is None else fill(expect.url, quote)
    return replace(expect, url=url, text=None if expect.text is None else fill(expect.text))


def _next(task: PlaybookTask, data: dict[str, str]) -> Plan | Ask:
    for field in task.asks:
        if field not in data:
            return Ask(QUESTIONS[field], field, {TASK_KEY: task.id})

    def fill(text: str, encode: Callable[[str], str] = str) -> str:
        return PLACEHOLDER.sub(lambda match: encode(data[match[1]]), text)

    steps = [
        replace(
            step,
            value=None if step.value is None else fill(step.value),
            url=None if step.url is None else fill(step.url, quote),
            description=fill(step.description),
            expect=None if step.expect is None else _filled(step.expect, fill),
        )
        for step in task.steps
    ]
    confirm = None if task.confirm is None else fill(task.confirm)
    return Plan(steps, fill(task.say), confirm, fill(task.done), {TASK_KEY: task.id}, by_owner=True)
