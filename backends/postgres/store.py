"""The bundle. Acknowledged means that the transaction is committed, with `synchronous_commit` on."""

from functools import partial

from backends.base import MessageLog, SessionStore, SettingsStore
from backends.errors import StorageError, StoreUnavailable
from backends.postgres import PostgresSettings
from backends.postgres.call_pool import CallPool
from backends.postgres.connect import Connection, connect, first_connection
from backends.postgres.errors import startup_error
from backends.postgres.log import PostgresLog
from backends.postgres.schema import named, prepare
from backends.postgres.sessions import PostgresSessions
from backends.postgres.settings import PostgresSettingsStore

_LOG_CONNECTIONS = 2


async def open_store(options: PostgresSettings, deadline: float, log_shares_store: bool) -> "PostgresStorage":
    """Connect, and make or upgrade the tables. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    connection = await first_connection(options.url, deadline)
    try:
        await prepare(connection, options.schema)
    except BaseException as error:
        await connection.close()
        if isinstance(error, StorageError) or not isinstance(error, Exception):
            raise
        raise startup_error(error, deadline) from error
    return PostgresStorage(connection, options, deadline, log_shares_store)


class PostgresStorage:
    """Any number of processes may share one database. A search holds up no visitor: it has connections of its own."""

    def __init__(
        self, connection: Connection, options: PostgresSettings, deadline: float, log_shares_store: bool
    ) -> None:
        self.log_shares_store = log_shares_store
        self._schema = options.schema
        self._pool = CallPool(partial(connect, options.url, deadline), options.connections, deadline)
        self._pool.adopt(connection)
        self._log_pool = CallPool(partial(connect, options.url, deadline), _LOG_CONNECTIONS, deadline)
        self.sessions: SessionStore = PostgresSessions(self._pool, options.schema, log_shares_store)
        self.log: MessageLog = PostgresLog(self._log_pool, options.schema)
        self.settings: SettingsStore = PostgresSettingsStore(self._log_pool, options.schema)

    async def ping(self) -> None:
        # A write, which fails on a full disk and on a server that only reads.
        statement = named(
            "INSERT INTO leflux.pings (one, at) VALUES (true, leflux.now_ms())"
            " ON CONFLICT (one) DO UPDATE SET at = excluded.at RETURNING at",
            self._schema,
        )
        if not await self._pool.rows(statement):
            raise StoreUnavailable("a write had no effect")

    async def close(self) -> None:
        try:
            await self._pool.close()
        finally:
            await self._log_pool.close()
