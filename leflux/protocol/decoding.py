"""Decodes the bodies of HTTP calls and the payloads of events."""

import re
from typing import TypeVar

import msgspec
from msgspec import Raw

from leflux.protocol.problems import Problem
from leflux.protocol.surrogates import replace_lone_surrogates

T = TypeVar("T")


def decode(body: bytes, kind: type[T]) -> T:
    """Decode the JSON of an HTTP body; U+FFFD replaces a lone surrogate. Raises `bad_json` or `invalid_request`."""
    try:
        return _decode(body, kind)
    except Problem as problem:
        text = body.decode("latin-1")  # Keeps every byte as it is.
        if problem.code != "bad_json" or (mended := replace_lone_surrogates(text)) == text:
            raise
        return _decode(mended.encode("latin-1"), kind)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            # A wrong type may come before the place where the text stops being JSON.
            msgspec.json.decode(body, type=Raw)
            problem = _invalid(error)
        raise problem
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem("bad_json", f"The body is not JSON: {reason}.") from None


def convert(payload: object, kind: type[T]) -> T:
    """Convert the payload of an event. Raises `invalid_request`."""
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise Problem("invalid_request", "The payload is nested too deeply.") from None


def whole_number(text: str, name: str, low: int, high: int) -> int:
    """A number of a query. Raises `invalid_request`."""
    if not (text.isascii() and text.isdigit() and len(text) < 17 and low <= int(text) <= high):
        raise Problem("invalid_request", f"{name} is a whole number from {low} to {high}.", path=f"$.{name}")
    return int(text)


_MISSING = re.compile(r"Object missing required field `([^`]+)`(?: - at `([^`]+)`)?")
_AT = re.compile(r" - at `([^`]+)`$")


def _invalid(error: msgspec.ValidationError) -> Problem:
    text = str(error)
    missing, at = _MISSING.match(text), _AT.search(text)
    path = f"{missing[2] or '$'}.{missing[1]}" if missing else at[1] if at else "$"
    return Problem("invalid_request", text, path=path)


def checked_text(text: str, limit: int) -> str:
    """What somebody says. Raises `invalid_message` when it is blank, has more than `limit` characters, or holds NUL."""
    if not text.strip():
        raise Problem("invalid_message", "A message needs some text.")
    if len(text) > limit:
        message = f"A message has at most {limit} characters; this one has {len(text)}."
        raise Problem("invalid_message", message, limit=limit, length=len(text))
    if "\x00" in text:
        raise Problem("invalid_message", "A message cannot hold the character NUL.")
    return text
