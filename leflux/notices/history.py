"""What was delivered or given up lately, for its owner to see: one document a site, without anything that was said."""

from collections import defaultdict
from typing import Literal

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.errors import VersionConflict

KEPT = 100
CAS_RETRIES = 8
State = Literal["waiting", "delivered", "failed"]


class NoticeDelivery(Struct, rename="camel", frozen=True):
    """A notice to one receiver. `failed`: it is not tried again by itself.

    `id` names it for a retry; the header `webhook-id` has what follows the dot. `next_attempt` and `error` are of the
    last attempt that failed.
    """

    id: str
    endpoint_id: str
    event: str
    conversation_id: str
    state: State
    attempts: int
    created_at: int
    delivered_at: int | None = None
    next_attempt: int | None = None
    error: str | None = None


class DeliveryHistory:
    """Deliveries collect in this process until `flush`. A crash loses the newest lines of the list, and no notice."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store
        self._new: defaultdict[str, list[NoticeDelivery]] = defaultdict(list)

    def note(self, site_id: str, delivery: NoticeDelivery) -> None:
        self._new[site_id] = [*self._new[site_id], delivery][-KEPT:]

    async def read(self, site_id: str) -> list[NoticeDelivery]:
        """The newest first, without what waits."""
        return (await self._stored(site_id))[0][::-1]

    async def _stored(self, site_id: str) -> tuple[list[NoticeDelivery], int]:
        found = await self._store.get(f"notices/history/{site_id}")
        if found is None:
            return [], 0
        return msgspec.json.decode(found.value, type=list[NoticeDelivery]), found.version

    async def flush(self) -> None:
        for site_id in list(self._new):
            new = self._new.pop(site_id)
            for _ in range(CAS_RETRIES):
                before, version = await self._stored(site_id)
                try:
                    kept = msgspec.json.encode([*before, *new][-KEPT:])
                    await self._store.put(f"notices/history/{site_id}", kept, version)
                    break
                except VersionConflict:
                    continue
