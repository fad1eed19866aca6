"""Storage. A leaf: imports nothing of `leflux`, and a driver only when its backend is chosen."""

from importlib import import_module
from typing import Literal

import msgspec

from backends.base import Storage
from backends.errors import StoreMisconfigured

BackendName = Literal["memory", "sqlite", "redis", "firestore"]


class SqliteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One database file; its folder is made when absent."""

    path: str = "data/leflux.db"


class RedisSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`redis://`, `rediss://`, `redis+sentinel://h1:p,h2:p/service/db` or `redis+cluster://h:p`."""

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = "leflux:"


class FirestoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Honours `FIRESTORE_EMULATOR_HOST`. `collection_prefix` lets several deployments share a database."""

    project: str = "leflux"
    database: str = "(default)"
    collection_prefix: str = ""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which backend, and its own section. `deadline`: seconds after which a call is `StoreUnavailable` (G2)."""

    backend: BackendName = "memory"
    sqlite: SqliteSettings = SqliteSettings()
    redis: RedisSettings = RedisSettings()
    firestore: FirestoreSettings = FirestoreSettings()
    deadline: float = 4.0

    def target(self) -> object:
        """What the store really is: two settings with equal targets are one store."""
        chosen = None if self.backend == "memory" else getattr(self, self.backend)
        return (self.backend, chosen)


async def open_storage(state: StoreSettings, log: StoreSettings | None = None) -> Storage:
    """Open the state store and the message log (left out: the same store).

    Raises `StoreMisconfigured` when it can never work and `StoreUnavailable` when it does not answer now.
    """
    shared = log is None or log.target() == state.target()
    module = _module(state.backend)
    bundle: Storage = await module.open(state, log_shares_store=shared)
    if shared:
        return bundle
    assert log is not None
    try:
        log_bundle: Storage = await _module(log.backend).open(log, log_shares_store=True)
    except BaseException:
        await bundle.close()
        raise
    from backends.split import SplitStorage

    return SplitStorage(bundle, log_bundle)


def _module(backend: BackendName):  # type: ignore[no-untyped-def]
    try:
        return import_module(f"backends.{backend}")
    except ModuleNotFoundError as error:
        raise StoreMisconfigured(f"the backend {backend!r} needs the package {error.name!r}") from error


__all__ = ["FirestoreSettings", "RedisSettings", "SqliteSettings", "StoreSettings", "open_storage"]
