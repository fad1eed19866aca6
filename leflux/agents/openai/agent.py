"""Answers with any OpenAI-compatible endpoint, as a stream, with page steps as a tool.

Any failure (a refusal, a stall, a broken stream, a malformed call) raises `ModelFailed`, which ends the reply with one
error message. A request is repeated only before the first piece of its answer.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI, OpenAIError

from leflux.agents.base import AgentEvent, Delta, Done, Question
from leflux.agents.knowledge.agent import KnowledgeAgent
from leflux.agents.openai.grounding import grounded, grounding
from leflux.agents.openai.prompt import build
from leflux.agents.openai.tools import MAX_ARGUMENTS, TOOLS, MalformedCall, parse_call
from leflux.config import OpenAISettings

ATTEMPTS = 3
BACKOFF = 0.5
MAX_ANSWER = 20_000
_RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504})
log = structlog.get_logger(__name__)


class ModelFailed(Exception):
    """The endpoint gave no complete answer. The message has the reason, for the log."""


class _ToolCall(Struct):
    """A tool call that is being received."""

    name: str = ""
    arguments: str = ""


class OpenAIAgent:
    """`backoff`: seconds before the first retry of a request that was refused temporarily."""

    def __init__(
        self,
        settings: OpenAISettings,
        backoff: float | None = None,
        *,
        knowledge: KnowledgeAgent | None = None,
        instructions: Mapping[str, str] | None = None,
        patience: float = 30.0,
    ) -> None:
        """`knowledge` reads the crawled pages, and answers when the model has shown nothing for `patience` seconds or
        has failed; `instructions`: of the owners, by site.
        """
        self._knowledge = knowledge
        self._instructions = instructions or {}
        self._patience = patience
        self._settings = settings
        self._backoff = BACKOFF if backoff is None else backoff
        # Self-hosted endpoints often need no key, but the SDK requires one.
        self._client = AsyncOpenAI(
            base_url=settings.base_url, api_key=settings.api_key or "none", timeout=settings.timeout, max_retries=0
        )

    async def reply(self, question: Question) -> AsyncGenerator[AgentEvent, None]:
        # The answer is about the page of this request, also when the visitor has moved on.
        page, prior = await question.context()
        if self._knowledge is not None and await self._knowledge.owned(question) is not None:
            async with aclosing(self._knowledge.reply(question)) as told:
                async for event in told:
                    yield event
            return
        ground = None if self._knowledge is None else await grounding(self._knowledge, question, page)
        passages = ground.told() if ground is not None else ""
        messages = await build(question, page, prior, passages, self._instructions.get(question.site_id, ""))
        answer = self._tried(messages, page)
        if ground is None or self._knowledge is None:
            async with aclosing(answer) as events:
                async for event in events:
                    yield event
            return
        begun = False
        try:
            async with aclosing(grounded(answer, ground)) as checked:
                until = asyncio.get_running_loop().time() + self._patience
                while (kept := await _first(checked, None if begun else until)) is not None:
                    begun = True
                    yield kept
        except (ModelFailed, TimeoutError) as error:
            if begun:
                raise
            log.warning("the model failed; answering from the pages", error=str(error)[:200])
        if not begun:
            async with aclosing(self._knowledge.reply(question)) as found:
                async for event in found:
                    yield event

    async def _tried(self, messages: list[dict[str, Any]], page: bytes | None) -> AsyncGenerator[AgentEvent, None]:
        for attempt in range(ATTEMPTS):
            begun = False
            try:
                async with aclosing(self._stream(messages, page)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except (OpenAIError, OSError, TimeoutError, ModelFailed, MalformedCall) as error:
                if begun or attempt == ATTEMPTS - 1 or not _is_passing(error):
                    raise ModelFailed(f"{type(error).__name__}: {str(error)[:200]}") from error
                log.info("model refused for the moment", attempt=attempt, error=type(error).__name__)
            await asyncio.sleep(self._backoff * 2**attempt * (0.5 + random.random()))  # noqa: S311 - jitter

    async def _stream(self, messages: list[dict[str, Any]], page: bytes | None) -> AsyncGenerator[AgentEvent, None]:
        call, finish, written = _ToolCall(), None, 0
        async with aclosing(self._choices(messages)) as choices:
            async for choice in choices:
                finish = choice.finish_reason or finish
                if text := choice.delta.content:
                    written += len(text)
                    if written > MAX_ANSWER:
                        raise ModelFailed("the answer has no end")
                    yield Delta(text)
                for part in choice.delta.tool_calls or ():
                    _extend(call, part)
        if finish is None:
            raise ModelFailed("the stream broke off")
        if call.name or call.arguments:
            yield parse_call(call.name, call.arguments, msgspec.json.decode(page or b"{}"))
        elif not written:
            raise ModelFailed(f"the answer is empty ({finish})")
        else:
            yield Done()

    async def _choices(self, messages: list[dict[str, Any]]) -> AsyncGenerator[Any, None]:
        """The first choice of each chunk. Each chunk must arrive within the time-out."""
        body: dict[str, Any] = {"model": self._settings.model, "messages": messages, "tools": TOOLS}
        async with asyncio.timeout(self._settings.timeout):
            stream = await self._client.chat.completions.create(**body, stream=True)
        async with stream:
            chunks = aiter(stream)
            while True:
                try:
                    async with asyncio.timeout(self._settings.timeout):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except (OpenAIError, OSError, TimeoutError):
                    raise
                except Exception as error:
                    # The SDK passes on errors of its HTTP client and of JSON.
                    raise ModelFailed(f"the stream broke: {type(error).__name__}") from error
                if chunk.choices:
                    yield chunk.choices[0]

    async def close(self) -> None:
        await self._client.close()
        if self._knowledge is not None:
            await self._knowledge.close()


async def _first(events: AsyncGenerator[AgentEvent, None], until: float | None) -> AgentEvent | None:
    async with asyncio.timeout_at(until):
        return await anext(events, None)


def _extend(call: _ToolCall, part: Any) -> None:
    """Only the first of several calls counts: the steps of one plan are one list."""
    if part.index or part.function is None:
        return
    call.name += part.function.name or ""
    call.arguments += part.function.arguments or ""
    if len(call.arguments) > MAX_ARGUMENTS:
        raise ModelFailed("the arguments have no end")


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, APIStatusError):
        return error.status_code in _RETRYABLE
    return isinstance(error, APIConnectionError | OSError) and not isinstance(error, APITimeoutError | TimeoutError)
