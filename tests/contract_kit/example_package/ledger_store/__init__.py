"""A store of another package, found by its entry point."""

from msgspec import Struct

from backends.base import Storage
from backends.descriptor import StoreDescriptor


class LedgerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section `ledger` of the configuration."""

    path: str = "data/ledger"


async def _open(options: LedgerSettings, deadline: float, log_shares_store: bool) -> Storage:
    from ledger_store.store import open_store

    return open_store(options.path, log_shares_store)


STORE = StoreDescriptor(LedgerSettings, _open, shared=False)
