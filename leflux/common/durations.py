"""Durations in configuration files."""

import re
from typing import Annotated, Any

from msgspec import Meta

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
MAX_SECONDS = 10 * 365 * 86400.0


class Duration(float):
    """Seconds, written as `30m`, `24h`, `1500ms`, `30d` or a number of seconds."""

    __slots__ = ()

    @classmethod
    def parse(cls, value: Any) -> "Duration":
        """Parse a duration. Raises `ValueError` with the expected form."""
        seconds: float | None = None
        if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            seconds = float(match[1]) * _UNITS[match[2]]
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
        if seconds is None:
            raise ValueError(f"Expected a duration such as 30m, 24h, 1500ms or a number of seconds, got {value!r}")
        if not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"Expected a duration above 0 and at most ten years, got {value!r}")
        return cls(seconds)


Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
