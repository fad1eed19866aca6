"""Converts the driver's errors to those of the storage protocol."""

from redis.exceptions import ResponseError

from backends.errors import StorageError, StoreUnavailable


class WrongType(StoreUnavailable):
    """A key has a type that LeFlux does not write. The caller decides whether a session's record is broken."""


def translate(error: BaseException) -> StoreUnavailable:
    """`StoreUnavailable`: whatever the driver or the server said, the outcome is unknown."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, StoreUnavailable):
        return error
    # Redis 6 and 7 both name the cause in the text of a script's error, but not always as its code.
    if isinstance(error, ResponseError) and "WRONGTYPE" in text:
        return WrongType(text)
    return StoreUnavailable(text)


def is_broken(reply: object) -> bool:
    """Whether one session's record is unreadable. Raises every other error."""
    if isinstance(reply, StorageError) and not isinstance(reply, WrongType):
        raise reply
    return isinstance(reply, WrongType)
