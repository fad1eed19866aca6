"""What every backend does alike with a message's text and bytes, and with a listing's cursor."""

import re
from unicodedata import category, normalize

from backends.errors import InvalidCursor
from backends.records import Draft, LogEntry, Session

FIRST_TEXT_CHARS = 200
# Thai, Lao, Burmese, Khmer, Japanese, Chinese and Korean.
_SPACELESS = (
    r"\u0e01-\u0e3a\u0e40-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"([{_SPACELESS}]+)|((?:(?![{_SPACELESS}])[^\W_])+)|(\S)")
# Of Latin, Greek and Cyrillic letters; those of Arabic and Hebrew are mostly left out by those who write.
_ACCENTS = re.compile(r"([a-z\u0370-\u052f])[\u0300-\u036f]+|[\u0591-\u05bd\u05c1\u05c2\u064b-\u0652\u0670]")
# Letters that Unicode does not decompose.
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ħ": "h"})
_FORMER_WORD = re.compile(r"[^\W_]+")
_CURSOR = re.compile(r"(\d{1,16}):(.+)", re.DOTALL | re.ASCII)


def stamp(body: bytes, seq: int, ts: int) -> bytes:
    """The message as stored and sent: `body` with `seq` and `ts` in front of its own members."""
    return b'{"seq":%d,"ts":%d,' % (seq, ts) + body[1:]


def log_entry(session: Session, draft: Draft, seq: int, ts: int, body: bytes) -> LogEntry:
    """The line of the permanent log that a stored message makes."""
    return LogEntry(
        site_id=session.site_id,
        session_id=session.session_id,
        seq=seq,
        ts=ts,
        message_id=draft.id,
        role=draft.role,
        text=draft.text,
        body=body,
        started_at=session.created_at,
        kind=draft.kind,
        visitor_id=session.visitor_id,
        continues=session.continues,
    )


def words(text: str) -> list[str]:
    """What a text is found by (L4): its words without case and accents, and its symbols.

    Of scripts that put no spaces between words, every letter and every pair of letters.
    """
    found: list[str] = []
    for run, word, symbol in _TOKEN.findall(_fold(text)):
        if run:
            found += [*run, *_pairs(run)]
        elif word or _is_symbol(symbol):
            found.append(word or _name(symbol))
    return found


def former_words(text: str) -> list[str]:
    """The words by which 0.2.0 indexed a text: an erasure has to find them in a store that it has written."""
    return [word.casefold() for word in _FORMER_WORD.findall(normalize("NFC", text))]


def terms(query: str) -> list[str]:
    """The words that a text must have for this query. Punctuation counts only where nothing else is asked for."""
    found: list[str] = []
    marks: list[str] = []
    for run, word, symbol in _TOKEN.findall(_fold(query)):
        if run:
            found += _pairs(run) or [run]
        elif word or category(symbol) == "So":
            found.append(word or _name(symbol))
        elif _is_symbol(symbol):
            marks.append(_name(symbol))
    return found or marks


def _fold(text: str) -> str:
    bare = _ACCENTS.sub(r"\1", normalize("NFKD", text.casefold()))
    return normalize("NFC", bare).translate(_LETTERS)


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _is_symbol(char: str) -> bool:
    return category(char)[0] in "PS"


def _name(symbol: str) -> str:
    """A symbol as a word: search engines take ASCII's for separators, so they get places of private use."""
    return chr(0xE000 + ord(symbol)) if symbol.isascii() else symbol


def make_cursor(last_activity: int, session_id: str) -> str:
    """The place behind this session in a listing, newest activity first, then highest id."""
    return f"{last_activity}:{session_id}"


def parse_cursor(cursor: str) -> tuple[int, str]:
    """What `make_cursor` was given. Raises `InvalidCursor`."""
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidCursor(cursor[:100])
    return int(match[1]), match[2]
