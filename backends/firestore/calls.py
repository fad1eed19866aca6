"""Deadlines, retries and error conversion for every call of the driver."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from backends.errors import StoreUnavailable

ATTEMPTS = 3
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
CONTENTION = (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound)
_FAILURES = (
    exceptions.GoogleAPIError,
    GoogleAuthError,
    grpc.RpcError,
    grpc.aio.BaseError,
    ValueError,
    TimeoutError,
    OSError,
)
T = TypeVar("T")
U = TypeVar("U")


class Contended(Exception):
    """The commit was refused and changed nothing: a document has changed since it was read."""


class TemporaryFailure(Exception):
    """A temporary failure. A commit may have been stored."""


class CallRefused(StoreUnavailable):
    """Firestore refuses the call: missing rights, a wrong project or database."""


class Until:
    """The moment by which a call has to end."""

    def __init__(self, seconds: float, each: float) -> None:
        self._each = each
        self._half = seconds / 2
        self.at = asyncio.get_running_loop().time() + seconds

    def is_half_spent(self) -> bool:
        return self.at - asyncio.get_running_loop().time() < self._half

    def left(self) -> float:
        """Seconds for the next remote call. Raises `StoreUnavailable` when there are none."""
        seconds = self.at - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise StoreUnavailable("no answer within the deadline")
        return min(seconds, self._each)


async def pause(attempt: int) -> None:
    """Wait before attempt number `attempt` + 1: exponential backoff with jitter."""
    await asyncio.sleep(random.uniform(0.3, 1.0) * min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))  # noqa: S311


async def repeated(once: Callable[[], Awaitable[T]], until: Until) -> T:
    """Repeat a call that failed for the moment, a few times. It must be safe to repeat. Raises `StoreUnavailable`."""
    for attempt in range(ATTEMPTS):
        try:
            async with asyncio.timeout_at(until.at):
                return await once()
        except TemporaryFailure as error:
            if attempt == ATTEMPTS - 1:
                raise StoreUnavailable(str(error)) from None
        except CONTENTION as error:
            raise CallRefused(str(error)) from None
        except TimeoutError:
            raise StoreUnavailable("no answer within the deadline") from None
        await pause(attempt)
    raise AssertionError("unreachable")


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors as `TemporaryFailure` or `StoreUnavailable`; refusals for contention pass as they are."""
    try:
        yield
    except CONTENTION:
        raise
    except exceptions.TooManyRequests as error:
        raise TemporaryFailure(str(error)) from None
    except exceptions.DeadlineExceeded:
        raise StoreUnavailable("no answer within the deadline") from None
    except exceptions.ClientError as error:
        raise CallRefused(str(error)) from None
    except _FAILURES as error:
        raise TemporaryFailure(f"{type(error).__name__}: {error}") from None


async def together(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all the calls return. When one fails, none is left running."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """`together` for two of different kinds."""
    calls: list[Coroutine[Any, Any, Any]] = [first, second]
    one, other = await together(calls)
    return one, other
