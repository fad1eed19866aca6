"""The error codes that a client may get, with their HTTP status (docs/protocol.md#errors)."""

from typing import Any

import msgspec

from backends import errors

STATUS = {
    "bad_json": 400,
    "bad_packet": 400,
    "invalid_request": 400,
    "invalid_session_id": 400,
    "invalid_message": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "origin_required": 403,
    "host_not_registered": 403,
    "not_found": 404,
    "session_not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "duplicate_id_conflict": 409,
    "not_owner": 409,
    "taken": 409,
    "not_taken": 409,
    "session_deleted": 410,
    "session_evicted": 410,
    "payload_too_large": 413,
    "blocked_url": 422,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal_error": 500,
    "store_unavailable": 503,
}


class Problem(Exception):
    """An error for the client: a code, a sentence, and optional details (JSON)."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def body(self) -> dict[str, Any]:
        """`{error, message, details?}`"""
        shown: dict[str, Any] = {"error": self.code, "message": self.message}
        if self.details:
            shown["details"] = self.details
        return shown

    def json(self) -> bytes:
        return msgspec.json.encode(self.body())


_STORE_PROBLEMS: tuple[tuple[type[errors.StorageError], str, str], ...] = (
    (errors.SessionNotFound, "session_not_found", "There is no such session."),
    (errors.SessionDeleted, "session_deleted", "This session was deleted for good."),
    (errors.NotOwner, "not_owner", "Another tab holds this session now."),
    (errors.DuplicateIdConflict, "duplicate_id_conflict", "This clientMessageId was used for another text."),
    (errors.InvalidCursor, "invalid_request", "This cursor is none that a page gave."),
    (errors.StoreUnavailable, "store_unavailable", "The store does not answer. Send the same again in a moment."),
)


def as_problem(error: BaseException) -> Problem:
    """Convert any exception into the client's error. An unknown one is `internal_error` without details."""
    if isinstance(error, Problem):
        return error
    for kind, code, message in _STORE_PROBLEMS:
        if isinstance(error, kind):
            return Problem(code, message)
    return Problem("internal_error", "Something went wrong on our side.")


def is_expected(error: BaseException) -> bool:
    """Whether the error is expected and needs no stack trace in the log."""
    return as_problem(error).code != "internal_error"
