"""What every backend does alike with a message's text and bytes, and with a listing's cursor."""

import re
from unicodedata import normalize

from backends.errors import InvalidCursor

FIRST_TEXT_CHARS = 200
_WORD = re.compile(r"[^\W_]+")
_CURSOR = re.compile(r"(\d{1,16}):(.+)", re.DOTALL | re.ASCII)


def stamp(body: bytes, seq: int, ts: int) -> bytes:
    """The message as stored and sent: `body` with `seq` and `ts` in front of its own members."""
    return b'{"seq":%d,"ts":%d,' % (seq, ts) + body[1:]


def words(text: str) -> list[str]:
    """The words of a text, whatever their case: runs of letters and digits, composed and case-folded (L4)."""
    return [word.casefold() for word in _WORD.findall(normalize("NFC", text))]


def make_cursor(last_activity: int, session_id: str) -> str:
    """The place behind this session in a listing, newest activity first, then highest id."""
    return f"{last_activity}:{session_id}"


def parse_cursor(cursor: str) -> tuple[int, str]:
    """What `make_cursor` was given. Raises `InvalidCursor`."""
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidCursor(cursor[:100])
    return int(match[1]), match[2]
