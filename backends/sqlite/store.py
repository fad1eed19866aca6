"""SQLite in one file: the embedded default. Acknowledged means flushed to disk.

Three threads: one writes, one reads, one searches the log, so that a slow search delays no visitor.
"""

import asyncio
import sqlite3
from pathlib import Path

from backends.sqlite import SqliteSettings
from backends.sqlite.log import ErasureList, SqliteLog
from backends.sqlite.schema import connect, migrate
from backends.sqlite.sessions import SqliteSessions
from backends.sqlite.settings import SqliteSettingsStore
from backends.sqlite.writer_thread import WriterThread

SLOW_DEADLINE = 30.0


async def open_store(options: SqliteSettings, deadline: float, log_shares_store: bool) -> "SqliteStorage":
    """Open or make the file. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    connections = await asyncio.to_thread(_connect, Path(options.path))
    return SqliteStorage(connections, deadline, log_shares_store, ErasureList(Path(options.path)))


def _connect(path: Path) -> list[sqlite3.Connection]:
    migrate(path)
    connections: list[sqlite3.Connection] = []
    try:
        for _ in range(3):
            connections.append(connect(path))
    except BaseException:
        for connection in connections:
            connection.close()
        raise
    return connections


class SqliteStorage:
    """The bundle; several of them, in several processes, may share one file."""

    def __init__(
        self, connections: list[sqlite3.Connection], deadline: float, log_shares_store: bool, erasures: ErasureList
    ) -> None:
        self.log_shares_store = log_shares_store
        writing, reading, searching = connections
        self._writer = WriterThread("sqlite writer", writing, "BEGIN IMMEDIATE", deadline)
        self._reader = WriterThread("sqlite reader", reading, "BEGIN", deadline)
        self._searcher = WriterThread("sqlite searcher", searching, "BEGIN", max(deadline, SLOW_DEADLINE))
        self.sessions = SqliteSessions(self._writer, self._reader, log_shares_store, erasures)
        self.log = SqliteLog(self._writer, self._searcher, erasures)
        self.settings = SqliteSettingsStore(self._writer, self._reader)

    async def ping(self) -> None:
        await self._writer.run(_ping)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        for thread in (self._writer, self._reader, self._searcher):
            thread.close()


def _ping(connection: sqlite3.Connection) -> None:
    # A write, which fails on a full disk and on a file that may only be read.
    connection.execute("INSERT OR REPLACE INTO documents (name, value, version) VALUES ('ping', x'', 1)")
