"""One line for each request, when it is asked for."""

import logging
import re
from functools import cache
from typing import Any

import structlog

log = structlog.get_logger(__name__)

PATH_CHARS = 200
_SESSION_IN_PATH = re.compile(r"(/sessions?/[^/?]{8})[^/?]*")


@cache
def _logger() -> Any:
    # The proxy above assembles a logger for each call, which costs more than the whole check.
    return log.bind()


def log_access(method: str, target: str, status: int, seconds: float, level: int = logging.DEBUG) -> None:
    """A session id is a secret: only its first eight characters are logged."""
    logger = _logger()
    if logger.is_enabled_for(level):
        path = _SESSION_IN_PATH.sub(r"\1…", target.partition("?")[0])[:PATH_CHARS]
        logger.log(level, "http", method=method[:16], path=path, status=status, ms=round(1000 * seconds, 1))
