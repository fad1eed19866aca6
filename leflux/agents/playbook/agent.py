"""Runs the owner's tasks and passes every other question to another agent."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from leflux.agents.base import Agent, AgentEvent, Ask, Delta, Done, Plan, Question
from leflux.agents.playbook.reader import PLACEHOLDER, PlaybookTask, normalize
from leflux.agents.playbook.visitor_data import (
    PERSONAL,
    asked_for,
    changed,
    extract,
    is_question,
    known,
    option_in,
)
from leflux.common.catalogue import heard_language, language, say
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
        text = question.message.text
        context = _decoded((await question.context())[0])
        lang = language(context.get("locale"))
        pending, task = self._pending(history), self._match(text)
        if question.results is not None or (task is None and (pending is None or _leaves(text))):
            async with aclosing(self._other(question, lang)) as events:
                async for event in events:
                    yield event
            return
        if task is None and pending is not None:
            task, asked = pending
            if is_question(text) and not _told(task, asked, text):
                async with aclosing(self._aside(question, lang, _asking(task, asked, lang))) as events:
                    async for event in events:
                        yield event
                return
            if not _told(task, asked, text) and not changed(text, (*task.choices, *PERSONAL)):
                yield _asking(task, asked, lang, again=True)
                return
        if task is not None:
            yield self._next(task, context, [*history, question.message], lang)

    async def _aside(self, question: Question, lang: str, form: Ask) -> AsyncGenerator[AgentEvent, None]:
        """The answer to a question in the middle of a form, and the form's question after it."""
        async with aclosing(self._other(question, lang)) as events:
            async for event in events:
                if isinstance(event, Done):
                    found = event.data if isinstance(event.data, dict) else {}
                    yield replace(form, data=found | form.data)
                    return
                yield event

    def _next(self, task: PlaybookTask, context: dict[str, Any], said: list[StoredMessage], lang: str) -> Plan | Ask:
        data = known(context, said) | self._chosen(task, said)
        for field in task.asks:
            if field not in data:
                return _asking(task, field, lang)
        return _plan(task, data)

    def _chosen(self, task: PlaybookTask, said: Sequence[StoredMessage]) -> dict[str, str]:
        """What the visitor has chosen since the task was last asked for, wherever it was said; else the defaults."""
        found: dict[str, str] = {}
        for message in said:
            if message.role != "visitor":
                continue
            if self._match(message.text) is task:
                found = {name: choice.default for name, choice in task.choices.items() if choice.default is not None}
            for name in changed(message.text, task.choices):
                found.pop(name, None)
            for name, choice in task.choices.items():
                if (option := option_in(message.text, choice.options)) is not None:
                    found[name] = option
        return found

    def _pending(self, history: list[StoredMessage]) -> tuple[PlaybookTask, str] | None:
        """The task that waits for the answer to our last message."""
        last = next((message for message in reversed(history) if message.role != "visitor"), None)
        asked = asked_for(last) if last is not None else None
        if last is None or asked is None or last is not history[-1]:
            return None
        task = self._tasks.get(last.data.get(TASK_KEY, "")) if isinstance(last.data, dict) else None
        return (task, asked) if task is not None and asked in task.asks else None

    def _match(self, text: str) -> PlaybookTask | None:
        said = f" {normalize(text)} "
        hits = [
            (len(phrase), task) for task in self._tasks.values() for phrase in task.phrases if f" {phrase} " in said
        ]
        return max(hits, key=lambda hit: hit[0])[1] if hits else None

    async def _other(self, question: Question, lang: str) -> AsyncGenerator[AgentEvent, None]:
        if self._fallback is not None:
            async with aclosing(self._fallback.reply(question)) as events:
                async for event in events:
                    yield event
            return
        yield Delta(say(lang, "offers", offers=", ".join(f"“{task.phrases[0]}”" for task in self._tasks.values())))
        yield Done()

    async def close(self) -> None:
        if self._fallback is not None:
            await self._fallback.close()


def _leaves(text: str) -> bool:
    """Whether the visitor no longer wants the form."""
    return any(heard_language(key, normalize(text), "en") is not None for key in ("stop", "no"))


def _told(task: PlaybookTask, asked: str, text: str) -> bool:
    """Whether a text tells what was asked for, or any choice of the task."""
    if any(option_in(text, choice.options) is not None for choice in task.choices.values()):
        return True
    return asked in PERSONAL and not (asked == "name" and is_question(text)) and extract(asked, text) is not None


def _asking(task: PlaybookTask, field: str, lang: str, again: bool = False) -> Ask:
    if (choice := task.choices.get(field)) is not None:
        told = f"{choice.ask} ({', '.join(choice.options)})"
    else:
        told = say(lang, f"{'again' if again else 'ask'}_{field}")
    return Ask(told, field, {TASK_KEY: task.id})


def _decoded(stored: bytes | None) -> dict[str, Any]:
    context: Any = msgspec.json.decode(stored or b"{}")
    return context if isinstance(context, dict) else {}


def _filled(expect: Expect, fill: Callable[..., str]) -> Expect:
    url = None if expect.url is None else fill(expect.url, quote)
    return replace(expect, url=url, text=None if expect.text is None else fill(expect.text))


def _plan(task: PlaybookTask, data: dict[str, str]) -> Plan:
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
