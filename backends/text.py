"""What every backend does alike with a message's text and bytes."""

import re

FIRST_TEXT_CHARS = 200
_WORD = re.compile(r"[^\W_]+")


def stamp(body: bytes, seq: int, ts: int) -> bytes:
    """The message as stored and sent: `body` with `seq` and `ts` in front of its own members."""
    return b'{"seq":%d,"ts":%d,' % (seq, ts) + body[1:]


def words(text: str) -> list[str]:
    """The words of a text, lower-case: runs of letters and digits."""
    return _WORD.findall(text.lower())
