"""Logging: one line for each event, readable on a terminal and JSON elsewhere. Values are escaped and cut."""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

VALUE_CHARS = 500
"""Of one value; what is longer is cut."""
REPEAT_SECONDS = 5.0
"""A library's warning of one kind is written once in this time, with the number of those that were left out."""
_KINDS = 256
_OURS = ("event", "exception", "stack", "timestamp", "level")


def escaped(text: str) -> str:
    """`text` without control characters or line breaks, and of limited length."""
    shown = text if len(text) <= VALUE_CHARS else text[:VALUE_CHARS] + "…"
    return shown if shown.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


def escape_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor."""
    for key, value in event.items():
        if key not in _OURS and isinstance(value, str):
            event[key] = escaped(value)
    return event


class EscapedFormatter(logging.Formatter):
    """Escapes and cuts the message of a library; a traceback stays as it is."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = escaped(record.message)
        return super().formatMessage(record)


class RepeatFilter(logging.Filter):
    """Lets one record of a kind pass in `REPEAT_SECONDS`. The kind is the logger and the text before its arguments."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = (record.name, str(record.msg)[:80]), self._clock()
        if kind not in self._kinds and len(self._kinds) >= _KINDS:
            self._kinds.clear()
        until, count = self._kinds.get(kind, (0.0, 0))
        if now < until:
            self._kinds[kind] = (until, count + 1)
            return False
        self._kinds[kind] = (now + REPEAT_SECONDS, 0)
        if count:
            record.msg, record.args = f"{record.getMessage()} (and {count} more)", None
        return True


def set_up_logging(level: int = logging.INFO) -> None:
    """Log to stderr, in colour on a terminal."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([] if terminal else [structlog.processors.format_exc_info]),
            escape_values,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EscapedFormatter("%(levelname)s %(name)s %(message)s"))
    # Libraries such as bm25s set the level of their own logger.
    handler.setLevel(logging.WARNING)
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
