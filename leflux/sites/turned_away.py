"""Counts the visitors of hosts that belong to no site, for an owner who has forgotten to register one.

Anybody can name any host, so all of it is bounded: hosts, visitors of each, lines of the log, and writes.
"""

from collections import OrderedDict

import msgspec
import structlog
from msgspec import Struct

from backends.base import SettingsStore
from backends.clock import now_ms
from backends.errors import VersionConflict
from leflux.common.recurring import Recurring
from leflux.sites.registry import Sites, origin_host

HOSTS, VISITORS, LINES = 100, 300, 100
FLUSH_EVERY = 10.0
KEPT_MS = 30 * 86_400_000
NAME = "turned-away"
CAS_RETRIES = 8

log = structlog.get_logger(__name__)


class TurnedAwayHost(Struct, rename="camel", frozen=True):
    """A host, and how many visitors (by address, up to 300 a process and start) it has had."""

    host: str
    visitors: int
    first_seen: int
    last_seen: int


class TurnedAway(Recurring):
    """Of this process, written to the store now and then."""

    def __init__(self, store: SettingsStore, sites: Sites) -> None:
        super().__init__("turned away", self.flush, FLUSH_EVERY)
        self._store = store
        self.sites = sites
        self._seen: OrderedDict[str, set[int]] = OrderedDict()
        self._new: dict[str, int] = {}
        self._lines = 0

    def note(self, origin: str, address: str) -> None:
        """A request from a page whose host belongs to no site."""
        host = origin_host(origin)
        if host is None:
            return
        if host not in self._seen:
            self._log(host)
            if len(self._seen) >= HOSTS:
                self._seen.popitem(last=False)
            self._seen[host] = set()
        seen, visitor = self._seen[host], hash(address)
        if visitor not in seen and len(seen) < VISITORS:
            seen.add(visitor)
            if host in self._new or len(self._new) < HOSTS:
                self._new[host] = self._new.get(host, 0) + 1

    def _log(self, host: str) -> None:
        if self._lines < LINES:
            self._lines += 1
            log.warning("visitors of a host that belongs to no site are turned away", host=host)

    async def flush(self) -> None:
        """Add what was counted to what all processes have counted."""
        new, self._new = self._new, {}
        if not new:
            return
        for _ in range(CAS_RETRIES):
            hosts, version = await self._stored()
            now = now_ms()
            for host, count in new.items():
                before = hosts.get(host)
                first, visitors = (now, 0) if before is None else (before.first_seen, before.visitors)
                hosts[host] = TurnedAwayHost(host, visitors + count, first, now)
            newest = sorted(hosts.values(), key=lambda entry: -entry.last_seen)[:HOSTS]
            kept = [entry for entry in newest if now - entry.last_seen < KEPT_MS]
            try:
                await self._store.put(NAME, msgspec.json.encode(kept), version)
            except VersionConflict:
                continue
            return

    async def _stored(self) -> tuple[dict[str, TurnedAwayHost], int]:
        found = await self._store.get(NAME)
        if found is None:
            return {}, 0
        hosts = msgspec.json.decode(found.value, type=list[TurnedAwayHost])
        return {entry.host: entry for entry in hosts}, found.version

    async def hosts(self) -> list[TurnedAwayHost]:
        """Those that still belong to no site, the most visited first."""
        await self.flush()
        found = (await self._stored())[0].values()
        now = now_ms()
        return sorted(
            (entry for entry in found if not self.sites.has(entry.host) and now - entry.last_seen < KEPT_MS),
            key=lambda entry: (-entry.visitors, entry.host),
        )
