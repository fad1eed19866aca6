"""What a page says about itself and about the past: cleaned and capped before it is stored."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from leflux.chat.secrets import hide_secrets
from leflux.common.addresses import plain_address
from leflux.protocol import PriorMessage, Problem
from leflux.sites.secret_kinds import SecretKind

VISIBLE_TEXT_CHARS = 5_000
PRIOR_BYTES = 16_384
"""Of an earlier conversation the newest messages are kept that fit. Agents read less."""
INTERNAL_ID = "~"
"""Starts the idempotency keys that the server makes; a client's key cannot."""
BYTES_PER_START = 8_192
"""A start counts once more for each so many bytes of it."""
LARGEST = 2**53 - 1
"""Beyond it JavaScript reads another number than the one that was sent."""
_SUSPECT = re.compile(rb'\d{16}|"__proto__"')
_PROTOTYPE = "__proto__"


def encode_context(context: dict[str, Any], limit: int) -> bytes:
    """The description of a page as JSON. Raises `payload_too_large` and `invalid_request`."""
    if isinstance(url := context.get("url"), str):
        context["url"] = plain_address(url)
    encoded = _encode(context)
    if _SUSPECT.search(encoded) is not None:
        _clean(context)
        encoded = _encode(context)
    if len(encoded) > limit:
        raise Problem("payload_too_large", f"A context has at most {limit} bytes of JSON.", limit=limit)
    visible = context.get("visibleText")
    if isinstance(visible, str) and len(visible) > VISIBLE_TEXT_CHARS:
        message = f"visibleText has at most {VISIBLE_TEXT_CHARS} characters."
        raise Problem("invalid_request", message, path="$.context.visibleText")
    return encoded


def without_secrets(messages: Sequence[PriorMessage], kinds: Sequence[SecretKind]) -> list[PriorMessage]:
    """A browser may hold messages from before their secrets were hidden."""
    return [PriorMessage(message.role, hide_secrets(message.text, kinds)[0]) for message in messages]


def encode_prior(messages: Sequence[PriorMessage]) -> bytes | None:
    """The newest of `messages` that fit into `PRIOR_BYTES`, as JSON; None when there are none."""
    kept: list[bytes] = []
    size = 2
    for message in reversed(messages):
        encoded = msgspec.json.encode(message)
        size += len(encoded) + 1
        if size > PRIOR_BYTES:
            break
        kept.append(encoded)
    return b"[" + b",".join(reversed(kept)) + b"]" if kept else None


def _encode(context: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(context)
    except (OverflowError, ValueError):
        raise _too_large() from None
    except RecursionError:
        raise Problem("invalid_request", "The context is nested too deeply.", path="$.context") from None


def _clean(context: dict[str, Any]) -> None:
    """Drop the keys that would set a prototype, and refuse numbers that browsers cannot hold."""
    waiting: list[Any] = [context]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            value.pop(_PROTOTYPE, None)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, int) and abs(value) > LARGEST:
            raise _too_large()


def _too_large() -> Problem:
    return Problem("invalid_request", "A number in the context is too large.", path="$.context")
