"""What a request says reaches the log escaped and cut, and repeated warnings are counted."""

import logging

import pytest

from leflux.common.logs import REPEAT_SECONDS, VALUE_CHARS, EscapedFormatter, RepeatFilter, escape_values, escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 😀", "plain äöü 😀"),
        ("a\nINFO forged", r"a\nINFO forged"),
        ("\x1b[31mred\x9b2J", r"\x1b[31mred\x9b2J"),
        ("a\u2028b\u202ec\x00\x85", r"a\u2028b\u202ec\x00\x85"),
        ("half \ud83d", r"half \ud83d"),
        ("x" * (VALUE_CHARS + 1), "x" * VALUE_CHARS + "…"),
    ],
)
def test_control_characters_are_escaped_and_long_values_cut(text: str, shown: str) -> None:
    assert escaped(text) == shown
    assert escape_values(None, "", {"event": "http", "path": text, "status": 404})["path"] == shown


def record(message: str, *arguments: str) -> logging.LogRecord:
    return logging.LogRecord("tornado.general", logging.WARNING, "", 0, message, arguments, None)


def test_a_librarys_message_is_one_line() -> None:
    line = EscapedFormatter("%(levelname)s %(message)s").format(record("404 GET %s", "/demo/\n\x1b[2J"))
    assert line == r"WARNING 404 GET /demo/\n\x1b[2J"


def test_repeated_warnings_are_counted() -> None:
    now = 100.0
    repeats = RepeatFilter(lambda: now)
    first, again, other = (record(text, "/%d") for text in ("bad %s", "bad %s", "worse %s"))
    assert [repeats.filter(one) for one in (first, again, again, other)] == [True, False, False, True]
    now += REPEAT_SECONDS
    last = record("bad %s", "/x")
    assert repeats.filter(last)
    assert last.getMessage() == "bad /x (and 2 more)"


def test_kinds_that_are_not_remembered_do_not_pile_up() -> None:
    repeats = RepeatFilter(lambda: 1.0)
    for number in range(10_000):
        repeats.filter(record(f"bad {number}"))
    assert len(repeats._kinds) <= 256
