"""Everything in this process: the reference for the storage rules."""

from msgspec import Struct

from backends.base import Storage
from backends.descriptor import StoreDescriptor


class MemorySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set."""


async def _open(options: MemorySettings, deadline: float, log_shares_store: bool) -> Storage:
    from backends.memory.store import open_store

    return await open_store(options, deadline, log_shares_store)


STORE = StoreDescriptor(MemorySettings, _open, durable=False, shared=False)
