"""Small settings documents that every process keeps in memory, and reads again every two seconds.

A note over the bus makes it at once; the slow timer makes it certain.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from backends.base import SettingsStore
from leflux.common.recurring import Recurring

INTERVAL = 2.0
READS_AT_ONCE = 16
T = TypeVar("T")


class CachedDocuments(Generic[T]):
    """One document of `kind` for each of `keys`, stored as `<prefix>/<key>`; `changed(key)`: there is a new version."""

    def __init__(
        self, store: SettingsStore, prefix: str, kind: type[T], keys: Sequence[str], changed: Callable[[str], None]
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._kind = kind
        self.keys = tuple(keys)
        self._known: dict[str, tuple[T, int]] = {}
        self._changed = changed

    def get(self, key: str) -> T | None:
        """As this process knows it now; None when nobody has stored one."""
        found = self._known.get(key)
        return None if found is None else found[0]

    def version(self, key: str) -> int:
        """What `put` must name; 0 when there is none."""
        found = self._known.get(key)
        return 0 if found is None else found[1]

    async def refresh(self, key: str) -> None:
        found = await self._store.get(f"{self._prefix}/{key}")
        if found is not None and found.version > self.version(key):
            self._keep(key, msgspec.json.decode(found.value, type=self._kind), found.version)

    async def put(self, key: str, value: T, expect: int) -> int:
        """Replace it; returns the new version. Raises `VersionConflict`."""
        stored = await self._store.put(f"{self._prefix}/{key}", msgspec.json.encode(value), expect)
        self._keep(key, value, stored.version)
        return stored.version

    def _keep(self, key: str, value: T, version: int) -> None:
        if version > self.version(key):
            self._known[key] = (value, version)
            self._changed(key)


class Refresher(Recurring):
    """Keeps several kinds of documents fresh."""

    def __init__(self, documents: Iterable[CachedDocuments[Any]], interval: float = INTERVAL) -> None:
        super().__init__("refresher", self.load, interval)
        self._documents = list(documents)

    async def load(self) -> None:
        """Read all of them once. Raises `StoreUnavailable`: without its owner's rules, a site is not served."""
        reads = [(kind, key) for kind in self._documents for key in kind.keys]
        for start in range(0, len(reads), READS_AT_ONCE):
            batch = reads[start : start + READS_AT_ONCE]
            await asyncio.gather(*(kind.refresh(key) for kind, key in batch))
