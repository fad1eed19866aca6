"""The storage protocol: what a store implements. Its parts are opened and closed as one.

Every promise has a number; the contract suite in `leflux/contract/` cites the one it proves, and runs
unchanged on every backend. Rules of all three:

G1  A call either keeps its promise or raises an error of `backends.errors`; driver errors never escape.
G2  Every call ends within the deadline of the settings; `StoreUnavailable` then means *unknown*.
G3  A call that is repeated after `StoreUnavailable` with the same ids leaves what one call would have left.
G4  Time is the store's clock, the same for every process that shares the store.
G5  A cancelled call breaks nothing for the next one.
"""

from typing import Protocol

from backends.base.log import MessageLog, SettingsStore
from backends.base.sessions import Leases, Messages, Outbox, Sessions, SessionStore, Tasks


class Storage(Protocol):
    """The bundle that `open_storage` returns. `log_shares_store`: S14 needs no outbox."""

    @property
    def sessions(self) -> SessionStore: ...
    @property
    def log(self) -> MessageLog: ...
    @property
    def settings(self) -> SettingsStore: ...
    @property
    def log_shares_store(self) -> bool: ...

    async def ping(self) -> None:
        """G6  Raises `StoreUnavailable` unless every store takes a write now."""

    async def close(self) -> None:
        """Finish what is in flight and release every resource. G7  Closing twice changes nothing."""
