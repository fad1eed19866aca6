"""The two ids of a conversation: the session id is the visitor's secret, and owners know the conversation id.

A conversation id is a keyed permutation of the session id's 128 bits: a balanced Feistel network whose round function
is HMAC-SHA256. The server can invert it, so there is no table to keep (docs/decisions/conversation-ids.md).
"""

import base64
import hmac
import re
from functools import lru_cache
from uuid import RFC_4122, UUID

from backends.errors import InvalidCursor
from backends.text import make_cursor, parse_cursor
from leflux.common.server_key import ServerKey
from leflux.protocol import Problem

ROUNDS = 8
PURPOSE = "conversation ids"
_HALF = 8
_REMEMBERED = 4_096
_ID = re.compile(r"[a-z2-7]{26}")
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_session_id(value: str) -> bool:
    return _UUID4.fullmatch(value) is not None


def checked_session_id(value: str) -> str:
    """`value`. Raises `invalid_session_id`."""
    if not is_session_id(value):
        raise Problem("invalid_session_id", "A session id is a lower-case UUIDv4.")
    return value


class ConversationIds:
    """Translates between session ids and conversation ids under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.of = lru_cache(_REMEMBERED)(self._of)

    def _of(self, session_id: str) -> str:
        left, right = _halves(UUID(session_id).bytes)
        for number in range(ROUNDS):
            left, right = right, _xor(left, self._round(number, right))
        return base64.b32encode(left + right).decode().rstrip("=").lower()

    def optional(self, session_id: str | None) -> str | None:
        """As `of`; None stays None."""
        return None if session_id is None else self.of(session_id)

    def session_id(self, text: str) -> str:
        """The session id that a conversation id, or the session id itself, stands for.

        Raises `invalid_session_id` for any other text, and `session_not_found` when the server never gave out this id.
        """
        if is_session_id(text):
            return text
        number = _decoded(text)
        if number is None:
            raise Problem("invalid_session_id", "A conversation id has 26 letters and digits.")
        left, right = _halves(number)
        for round_number in reversed(range(ROUNDS)):
            left, right = _xor(right, self._round(round_number, left)), left
        found = UUID(bytes=left + right)
        if found.variant != RFC_4122 or found.version != 4:
            raise Problem("session_not_found", "There is no such conversation.")
        return str(found)

    def cursor(self, cursor: str | None) -> str | None:
        """A cursor of the log, which names a session, as owners get it."""
        if cursor is None:
            return None
        activity, session_id = parse_cursor(cursor)
        return make_cursor(activity, self.of(session_id))

    def log_cursor(self, cursor: str | None) -> str | None:
        """The inverse of `cursor`. Raises `InvalidCursor`."""
        if cursor is None:
            return None
        activity, conversation_id = parse_cursor(cursor)
        try:
            return make_cursor(activity, self.session_id(conversation_id))
        except Problem:
            raise InvalidCursor(cursor[:100]) from None

    def _round(self, number: int, half: bytes) -> bytes:
        return hmac.digest(self._key, bytes([number]) + half, "sha256")[:_HALF]


class ConversationIdSource:
    """The translation under the key of one store, which is read on first use."""

    def __init__(self, key: ServerKey) -> None:
        self._key = key
        self._ids: ConversationIds | None = None

    async def get(self) -> ConversationIds:
        """Raises `StoreUnavailable` until the key has been read once."""
        if self._ids is None:
            self._ids = ConversationIds(await self._key.derived(PURPOSE))
        return self._ids


def _halves(block: bytes) -> tuple[bytes, bytes]:
    return block[:_HALF], block[_HALF:]


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))


def _decoded(text: str) -> bytes | None:
    """The 16 bytes of a conversation id; None unless the text is their one spelling."""
    if not _ID.fullmatch(text):
        return None
    block = base64.b32decode(text.upper() + "======")
    return block if base64.b32encode(block).decode().rstrip("=").lower() == text else None
