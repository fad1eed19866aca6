"""Converts the driver's errors to those of the storage protocol."""

from psycopg import Error
from psycopg.errors import InsufficientPrivilege

from backends.errors import StorageError, StoreMisconfigured, StoreUnavailable

# libpq tells no code for what happens before a session has begun.
_WRONG_LOGIN = ("authentication failed", "no password supplied", "pg_hba.conf", "does not exist", "is not permitted")


def translate(error: BaseException) -> StorageError:
    """`StoreUnavailable`: whatever the driver or the server said, the outcome is unknown."""
    if isinstance(error, StorageError):
        return error
    state = getattr(error, "sqlstate", None)
    text = str(error).strip().partition("\n")[0]
    return StoreUnavailable(f"{type(error).__name__}{f' {state}' if state else ''}: {text}")


def startup_error(error: BaseException, deadline: float) -> BaseException:
    """What `open` raises for an error before the first call."""
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"no answer within {deadline} s")
    if isinstance(error, InsufficientPrivilege):
        return StoreMisconfigured(f"storage.postgres: {str(error).partition(chr(10))[0]}")
    if isinstance(error, Error) and any(sign in str(error) for sign in _WRONG_LOGIN):
        return StoreMisconfigured(f"storage.postgres.url: {str(error).strip().partition(chr(10))[0]}")
    if isinstance(error, Error | OSError):
        return translate(error)
    return error
