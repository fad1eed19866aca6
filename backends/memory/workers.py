"""The processes that answer, by their heartbeats (S28)."""

from collections.abc import Iterable

from backends.memory.session_record import SessionRecord


class MemoryWorkers:
    """Keeps the list of workers, and drops the leases of those that are dead. Times in ms."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def heartbeat(self, worker: str, seconds: float, now: int) -> None:
        self._until.pop(worker, None)
        if seconds:
            self._until[worker] = now + int(seconds * 1000)

    def free_dead(self, records: Iterable[SessionRecord], now: int) -> None:
        dead = {worker for worker, until in self._until.items() if until <= now}
        for record in records:
            if record.lease in dead:
                record.lease = None
        for worker in dead:
            del self._until[worker]
