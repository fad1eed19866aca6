"""The backends that whole-server tests run on. One entry makes every one of those tests run on one more backend."""

from collections.abc import Callable
from pathlib import Path

from backends import SqliteSettings, StoreSettings


def _sqlite(folder: Path) -> StoreSettings:
    return StoreSettings(backend="sqlite", sqlite=SqliteSettings(path=str(folder / "leflux.db")))


# Only what keeps its data over a `kill -9`: these tests do that. Each is given an empty folder of its own.
STORES: dict[str, Callable[[Path], StoreSettings]] = {"sqlite": _sqlite}
