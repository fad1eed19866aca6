"""What is counted of one site on one UTC day, and how the counts of several processes become one."""

from bisect import bisect_left
from collections.abc import Iterable

from msgspec import Struct, field

BUCKETS_MS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000)
"""Upper bounds of the restore times' buckets; what is slower falls into one more."""


class Restores(Struct):
    full: int = 0
    partial: int = 0
    new: int = 0


class Tasks(Struct):
    done: int = 0
    resumed: int = 0
    aborted: int = 0


class Tally(Struct, rename="camel"):
    """`hours`: visitors' messages by the hour. `duplicates`: messages that came again and were stored once.

    `gaps`: times that a page had missed something and read it later.
    """

    restores: Restores = field(default_factory=Restores)
    tasks: Tasks = field(default_factory=Tasks)
    restore_ms: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    duplicates: int = 0
    gaps: int = 0

    def timed(self, milliseconds: float) -> None:
        self.restore_ms[bisect_left(BUCKETS_MS, milliseconds)] += 1

    def add(self, other: "Tally") -> None:
        for mine, others in ((self.restores, other.restores), (self.tasks, other.tasks)):
            for name in mine.__struct_fields__:
                setattr(mine, name, getattr(mine, name) + getattr(others, name))
        self.restore_ms = [mine + others for mine, others in zip(self.restore_ms, other.restore_ms, strict=True)]
        self.hours = [mine + others for mine, others in zip(self.hours, other.hours, strict=True)]
        self.duplicates += other.duplicates
        self.gaps += other.gaps


def total(tallies: Iterable[Tally]) -> Tally:
    added = Tally()
    for tally in tallies:
        added.add(tally)
    return added


def percentile(counts: list[int], share: float) -> float | None:
    """The time (ms) that `share` of the restores did not exceed, to the precision of the buckets; None without any.

    The slowest bucket has no upper bound, and answers with its lower one.
    """
    wanted = share * sum(counts)
    if not wanted:
        return None
    seen = 0
    for index, count in enumerate(counts):
        if count and seen + count >= wanted:
            low = BUCKETS_MS[index - 1] if index else 0
            high = BUCKETS_MS[min(index, len(BUCKETS_MS) - 1)]
            return round(low + (high - low) * (wanted - seen) / count, 1)
        seen += count
    return None
