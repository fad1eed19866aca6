"""Google Cloud Firestore."""

from msgspec import Struct

from backends.base import Storage
from backends.descriptor import StoreDescriptor


class FirestoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Honours `FIRESTORE_EMULATOR_HOST`. `collection_prefix` lets several deployments share a database."""

    project: str = "leflux"
    database: str = "(default)"
    collection_prefix: str = ""


async def _open(options: FirestoreSettings, deadline: float, log_shares_store: bool) -> Storage:
    from backends.firestore.store import open_store

    return await open_store(options, deadline, log_shares_store)


STORE = StoreDescriptor(FirestoreSettings, _open, migrations=())
