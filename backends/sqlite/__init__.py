"""SQLite in one file: the embedded default."""

from pathlib import Path

from msgspec import Struct

from backends.base import Storage
from backends.descriptor import StoreDescriptor


class SqliteSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One database file; its folder is made when absent."""

    path: str = "data/leflux.db"


async def _open(options: SqliteSettings, deadline: float, log_shares_store: bool) -> Storage:
    from backends.sqlite.store import open_store

    return await open_store(options, deadline, log_shares_store)


def _back_up(options: SqliteSettings, target: Path) -> None:
    from backends.sqlite.backup import back_up

    back_up(options, target)


async def _restore(options: SqliteSettings, source: Path) -> int:
    from backends.sqlite.backup import restore

    return await restore(options, source)


async def _diagnose(options: SqliteSettings, _: float) -> list[str]:
    from backends.sqlite.backup import diagnose

    return diagnose(options)


STORE = StoreDescriptor(SqliteSettings, _open, shared=False, back_up=_back_up, restore=_restore, diagnose=_diagnose)
