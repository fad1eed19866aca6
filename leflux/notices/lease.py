"""The right to deliver: one process at a time, so that the notices of a conversation keep their order."""

import time
from contextlib import suppress
from uuid import uuid4

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.clock import now_ms
from backends.errors import VersionConflict

NAME = "notices/sender"


class _Holder(Struct, frozen=True):
    """`until`: milliseconds since the epoch."""

    id: str
    until: int


class SenderLease:
    """Held for `seconds`, and renewed in time by each `take`. It is taken only while something waits."""

    def __init__(self, store: SettingsStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._id = uuid4().hex
        self._until = 0.0

    @property
    def is_held(self) -> bool:
        """By this process, as far as it can know."""
        return time.monotonic() < self._until

    async def take(self) -> bool:
        """Take or renew it; False while another process has it."""
        if time.monotonic() < self._until - self._seconds / 2:
            return True
        asked = time.monotonic()
        found = await self._store.get(NAME)
        holder = None if found is None else msgspec.json.decode(found.value, type=_Holder)
        if holder is not None and holder.id != self._id and now_ms() < holder.until:
            self._until = 0.0
            return False
        mine = msgspec.json.encode(_Holder(self._id, now_ms() + round(self._seconds * 1000)))
        try:
            await self._store.put(NAME, mine, 0 if found is None else found.version)
        except VersionConflict:
            self._until = 0.0
            return False
        self._until = asked + self._seconds
        return True

    async def release(self) -> None:
        """Let another process have it at once."""
        if not self.is_held:
            return
        self._until = 0.0
        found = await self._store.get(NAME)
        if found is not None and msgspec.json.decode(found.value, type=_Holder).id == self._id:
            with suppress(VersionConflict):
                await self._store.put(NAME, msgspec.json.encode(_Holder(self._id, 0)), found.version)
