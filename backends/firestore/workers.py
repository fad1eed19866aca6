"""The processes that answer, by their heartbeats (S28)."""

from functools import partial

from backends.firestore.calls import Until, together
from backends.firestore.docs import SessionDoc, decode, document_id
from backends.firestore.rpc import Rpc
from backends.firestore.transaction_queue import TransactionQueues, Unit


class FirestoreWorkers:
    """Keeps one document for each worker, and drops the leases of those that are dead."""

    def __init__(self, rpc: Rpc, queues: TransactionQueues) -> None:
        self._rpc = rpc
        self._queues = queues

    async def heartbeat(self, worker: str, seconds: float) -> None:
        path = self._rpc.path("workers", document_id(worker))

        def step(unit: Unit) -> None:
            if seconds:
                unit.put(path, {"worker": worker, "until": unit.now + int(seconds * 1000)})
            else:
                unit.drop(path)

        await self._queues.run(path, step)

    async def free_dead(self, now: int, until: Until) -> None:
        """Drop the leases of dead workers. A worker leaves the list last, so a failure in between is made good."""
        for found in await self._rpc.find(self._rpc.path("workers"), until, [("until", "<=", now)], "until"):
            worker = found.data["worker"]
            leased = await self._rpc.find(self._rpc.path("sessions"), until, [("lease", "==", worker)], fields=("id",))
            await together(self._free(session.path, worker, until) for session in leased)
            await self._queues.run(found.path, partial(_forget, found.path), until=until)

    async def _free(self, path: str, worker: str, until: Until) -> None:
        await self._queues.run(path, partial(unlease, path, None, worker), until=until)


def unlease(path: str, site_id: str | None, worker: str, unit: Unit) -> None:
    """Drop the session's lease if `worker` holds it and, when one is named, the session is of this site."""
    data = unit.get(path)
    if data is None or data.get("lease") != worker:
        return
    document = decode(data, SessionDoc, path)
    if site_id not in (None, document.site):
        return
    document.lease, document.lease_until = None, 0
    unit.put(path, document.encode())


def _forget(path: str, unit: Unit) -> None:
    data = unit.get(path)
    if data is not None and data["until"] <= unit.now:
        unit.drop(path)
