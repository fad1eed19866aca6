"""Google Cloud Firestore, or its emulator when `FIRESTORE_EMULATOR_HOST` names one."""

from typing import Any

from backends.base import MessageLog, SessionStore, SettingsStore
from backends.errors import StoreMisconfigured
from backends.firestore import FirestoreSettings
from backends.firestore.calls import CallRefused
from backends.firestore.client import FirestoreConnection, connect
from backends.firestore.log import FirestoreLog
from backends.firestore.rpc import Rpc
from backends.firestore.sessions import FirestoreSessions
from backends.firestore.settings import FirestoreSettingsStore
from backends.firestore.transaction_queue import TransactionQueues


async def open_store(options: FirestoreSettings, deadline: float, log_shares_store: bool) -> "FirestoreStorage":
    """Connect and ask once. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    if "/" in options.collection_prefix:
        raise StoreMisconfigured("firestore.collection_prefix must not contain '/'")
    connection = await connect(options)
    storage = FirestoreStorage(connection.client, options, deadline, log_shares_store, connection)
    try:
        await storage.ping()
    except CallRefused as error:
        await storage.close()
        raise StoreMisconfigured(f"Firestore refuses: {error}") from None
    except BaseException:
        await storage.close()
        raise
    return storage


class FirestoreStorage:
    """The bundle, over any client with the interface of Google's `AsyncClient`; it closes `connection`."""

    def __init__(
        self,
        client: Any,
        options: FirestoreSettings,
        deadline: float,
        log_shares_store: bool,
        connection: FirestoreConnection | None = None,
    ) -> None:
        self.log_shares_store = log_shares_store
        self._connection = connection
        self._rpc = Rpc(client, options.collection_prefix, deadline)
        self._queues = TransactionQueues(self._rpc)
        self.sessions: SessionStore = FirestoreSessions(self._rpc, self._queues, log_shares_store)
        self.log: MessageLog = FirestoreLog(self._rpc, self._queues)
        self.settings: SettingsStore = FirestoreSettingsStore(self._rpc, self._queues)

    async def ping(self) -> None:
        path = self._rpc.path("meta", "ping")
        await self._queues.run(path, lambda unit: unit.put(path, {"at": unit.now}))

    async def close(self) -> None:
        await self._queues.close()
        if self._connection is not None:
            await self._connection.close(self._rpc.deadline)
