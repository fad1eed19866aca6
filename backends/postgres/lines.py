"""A line of the log as PostgreSQL keeps it."""

from typing import Any

from backends.records import LogEntry
from backends.text import FIRST_TEXT_CHARS, terms, words

ENTRY = "site, session, seq, ts, message, role, text, body, started, kind, visitor, continues"
LONGEST = 500
"""Characters of a word that count: a lexeme has at most 2,046 bytes."""


def entry_of(row: tuple[Any, ...]) -> LogEntry:
    """The line of a row with the columns of `ENTRY`."""
    site, session, seq, ts, message, role, text, body, started, kind, visitor, continues = row
    return LogEntry(site, session, seq, ts, message, role, text.decode(), body, started, kind, visitor, continues)


def first_text(role: str, text: str) -> bytes:
    """What a listing shows of a session that begins with this message."""
    return text[:FIRST_TEXT_CHARS].encode() if role == "visitor" else b""


def lexemes(text: str) -> list[str]:
    """What a text is found by (L4)."""
    return sorted({word[:LONGEST] for word in words(text)})


def search_query(text: str) -> str | None:
    """A `tsquery` of quoted words, so that nothing a person types is an operator; the last one is a prefix."""
    wanted = [f"'{word[:LONGEST]}'" for word in terms(text)]
    return " & ".join(wanted) + ":*" if wanted else None
