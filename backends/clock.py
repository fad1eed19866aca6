"""The clock of a store that lives in this process.

Anchored once to the wall clock and driven by the monotonic one, so that a jump of the wall clock by an hour
expires nothing.
"""

import time

_ANCHOR = time.time() - time.monotonic()


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return int((_ANCHOR + time.monotonic()) * 1000)
