"""SQLite in one file: the embedded default. Acknowledged means flushed to disk.

Three threads: one writes, one reads, one searches the log, so that a slow search delays no visitor.
"""

import asyncio
import sqlite3
from pathlib import Path

from backends import StoreSettings
from backends.sqlite_lane import Lane
from backends.sqlite_log import SqliteLog
from backends.sqlite_schema import connect, migrate
from backends.sqlite_sessions import SqliteSessions
from backends.sqlite_settings import SqliteSettingsStore

SLOW_DEADLINE = 30.0


async def open(settings: StoreSettings, log_shares_store: bool) -> "SqliteStorage":  # noqa: A001 - the protocol's name
    """Open or make the file. Raises `StoreMisconfigured` or `StoreUnavailable`."""
    path = Path(settings.sqlite.path)
    connections = await asyncio.to_thread(_connect, path)
    return SqliteStorage(connections, settings.deadline, log_shares_store)


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

    def __init__(self, connections: list[sqlite3.Connection], deadline: float, log_shares_store: bool) -> None:
        self.log_shares_store = log_shares_store
        writing, reading, searching = connections
        self._writer = Lane("sqlite writer", writing, "BEGIN IMMEDIATE", deadline)
        self._reader = Lane("sqlite reader", reading, "BEGIN", deadline)
        self._searcher = Lane("sqlite searcher", searching, "BEGIN", max(deadline, SLOW_DEADLINE))
        self.sessions = SqliteSessions(self._writer, self._reader, log_shares_store)
        self.log = SqliteLog(self._writer, self._searcher)
        self.settings = SqliteSettingsStore(self._writer, self._reader)

    async def ping(self) -> None:
        await self._reader.run(_ping)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        for lane in (self._writer, self._reader, self._searcher):
            lane.close()


def _ping(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT 1").fetchone()
