"""The counts of one site on one UTC day, and how the counts of several processes are added."""

from collections.abc import Iterable

from msgspec import Struct, field

from leflux.protocol.owner_api import RestoreCounts, TaskCounts

BUCKETS_MS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000)
"""Upper bounds of the buckets of restore times. One more bucket has the slower ones."""


class SiteDayCounts(Struct, rename="camel"):
    """`hours`: visitor messages by the hour. `duplicates`: messages that were sent again and stored once.

    `gaps`: how often a page had missed messages and read them later.
    """

    restores: RestoreCounts = field(default_factory=RestoreCounts)
    tasks: TaskCounts = field(default_factory=TaskCounts)
    restore_ms: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_MS) + 1))
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    duplicates: int = 0
    gaps: int = 0

    def add(self, other: "SiteDayCounts") -> None:
        for mine, others in ((self.restores, other.restores), (self.tasks, other.tasks)):
            for name in mine.__struct_fields__:
                setattr(mine, name, getattr(mine, name) + getattr(others, name))
        self.restore_ms = [mine + others for mine, others in zip(self.restore_ms, other.restore_ms, strict=True)]
        self.hours = [mine + others for mine, others in zip(self.hours, other.hours, strict=True)]
        self.duplicates += other.duplicates
        self.gaps += other.gaps


def total(days: Iterable[SiteDayCounts]) -> SiteDayCounts:
    added = SiteDayCounts()
    for day in days:
        added.add(day)
    return added


def percentile(counts: list[int], share: float) -> float | None:
    """The time in ms that `share` of the restores did not exceed, to the precision of the buckets; None without any.

    The slowest bucket has no upper bound: its lower bound is returned.
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
