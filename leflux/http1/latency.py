"""How long the calls took: counts in buckets for each kind of call, with a bounded number of kinds."""

import re
from bisect import bisect_left
from collections import defaultdict

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper edges in seconds."""
OTHER = "other"
_SESSION = re.compile(r"/api/session/[^/?]+(/messages)?(?:\?|$)")
_KINDS = (
    ("/api/session/init", "init"),
    ("/api/chat", "chat"),
    ("/api/admin/", "admin"),
    ("/socket.io/", "socket"),
    ("/embed.js", "script"),
    ("/leflux-", "script"),
    ("/dashboard/", "dashboard"),
)
_OF_SESSION = {"POST": "restore", "GET": "session", "DELETE": "erase"}


def kind_of(method: str, target: str) -> str:
    """The kind of a call; whatever is unknown is one kind."""
    for prefix, kind in _KINDS:
        if target.startswith(prefix):
            return kind
    if found := _SESSION.match(target):
        return "messages" if found[1] else _OF_SESSION.get(method, OTHER)
    return OTHER


class Latencies:
    """Seconds by kind and by the class of the status (`2xx`)."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], list[int]] = {}
        self.sums: defaultdict[tuple[str, str], float] = defaultdict(float)

    def observe(self, method: str, target: str, status: int, seconds: float) -> None:
        key = kind_of(method, target), f"{status // 100}xx"
        counts = self.counts.setdefault(key, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self.sums[key] += seconds
