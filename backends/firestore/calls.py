"""How every call of the driver ends: in time, and in an error of ours."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from backends.errors import StoreUnavailable

BLIPS = 3
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
    """The commit was refused, and changed nothing: what it was based on is no longer so."""


class Blip(Exception):
    """The call failed in a way that may pass; a commit may have landed."""


class Refused(StoreUnavailable):
    """The service understood the call and will not serve it: rights, project, database."""


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
    """Wait before attempt number `attempt` + 1: twice as long each time, and never two callers alike."""
    await asyncio.sleep(random.uniform(0.3, 1.0) * min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))  # noqa: S311


async def patiently(once: Callable[[], Awaitable[T]], until: Until) -> T:
    """Call again after a `Blip`, a few times. For what may be done twice. Raises `StoreUnavailable`."""
    for attempt in range(BLIPS):
        try:
            async with asyncio.timeout_at(until.at):
                return await once()
        except Blip as error:
            if attempt == BLIPS - 1:
                raise StoreUnavailable(str(error)) from None
        except CONTENTION as error:
            raise Refused(str(error)) from None
        except TimeoutError:
            raise StoreUnavailable("no answer within the deadline") from None
        await pause(attempt)
    raise AssertionError("unreachable")


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors as `Blip` or `StoreUnavailable`; refusals for contention pass as they are."""
    try:
        yield
    except CONTENTION:
        raise
    except exceptions.TooManyRequests as error:
        raise Blip(str(error)) from None
    except exceptions.DeadlineExceeded:
        raise StoreUnavailable("no answer within the deadline") from None
    except exceptions.ClientError as error:
        raise Refused(str(error)) from None
    except _FAILURES as error:
        raise Blip(f"{type(error).__name__}: {error}") from None


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
