"""Google Cloud Firestore, or its emulator when `FIRESTORE_EMULATOR_HOST` names one."""

from typing import Any

from backends import StoreSettings
from backends.base import MessageLog, SessionStore, SettingsStore
from backends.errors import StoreMisconfigured
from backends.firestore_calls import Refused
from backends.firestore_client import Connection, connect
from backends.firestore_lane import Lanes
from backends.firestore_log import FirestoreLog
from backends.firestore_rpc import Rpc
from backends.firestore_sessions import FirestoreSessions
from backends.firestore_settings import FirestoreSettingsStore


async def open(settings: StoreSettings, log_shares_store: bool) -> "FirestoreStorage":  # noqa: A001 - the protocol's name
    """Connect and ask once. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    if "/" in settings.firestore.collection_prefix:
        raise StoreMisconfigured("firestore.collection_prefix must not contain '/'")
    connection = await connect(settings.firestore)
    storage = FirestoreStorage(connection.client, settings, log_shares_store, connection)
    try:
        await storage.ping()
    except Refused as error:
        await storage.close()
        raise StoreMisconfigured(f"Firestore refuses: {error}") from None
    except BaseException:
        await storage.close()
        raise
    return storage


class FirestoreStorage:
    """The bundle, over any client with the interface of Google's `AsyncClient`; it closes `connection`."""

    def __init__(
        self, client: Any, settings: StoreSettings, log_shares_store: bool, connection: Connection | None = None
    ) -> None:
        self.log_shares_store = log_shares_store
        self._connection = connection
        self._rpc = Rpc(client, settings.firestore.collection_prefix, settings.deadline)
        self._lanes = Lanes(self._rpc)
        self.sessions: SessionStore = FirestoreSessions(self._rpc, self._lanes, log_shares_store)
        self.log: MessageLog = FirestoreLog(self._rpc, self._lanes)
        self.settings: SettingsStore = FirestoreSettingsStore(self._rpc, self._lanes)

    async def ping(self) -> None:
        await self._rpc.read([self._rpc.path("meta", "clock")], self._rpc.until())

    async def close(self) -> None:
        await self._lanes.close()
        if self._connection is not None:
            await self._connection.close(self._rpc.deadline)
