"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

import pytest

T = TypeVar("T")
LIMIT = 90.0
PAUSE = 0.03


@overload
async def until(condition: Callable[[], Awaitable[T | None]], what: str, seconds: float = LIMIT) -> T: ...


@overload
async def until(condition: Callable[[], T | None], what: str, seconds: float = LIMIT) -> T: ...


async def until(condition: Callable[[], Any], what: str, seconds: float = LIMIT) -> Any:
    """The first true answer of `condition`; fails the test, naming `what`, when there is none in `seconds`."""
    answer: Any = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = condition()
                answer = await found if isinstance(found, Awaitable) else found
                if answer:
                    return answer
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        pytest.fail(f"did not happen within {seconds:g} s: {what}; last answer: {answer!r}")
