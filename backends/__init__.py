"""Storage. A leaf: imports nothing of `leflux`, and a driver only when its backend is chosen."""

from contextlib import suppress
from importlib import import_module
from typing import Literal

import msgspec

from backends.base import Storage
from backends.errors import StoreMisconfigured, StoreUnavailable

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

    Raises `StoreMisconfigured` when it can never work and `StoreUnavailable` when it does not answer now. A log
    of its own that does not answer is opened later: its lines wait in the state's outbox.
    """
    shared = log is None or log.target() == state.target()
    module = _module(state.backend)
    bundle: Storage = await module.open(state, log_shares_store=shared)
    if shared:
        return bundle
    from backends.split import LateLog, SplitStorage

    try:
        log_bundle = await _open_log(log)
    except StoreUnavailable:
        return SplitStorage(bundle, LateLog(lambda: _open_log(log)))
    except BaseException:
        await bundle.close()
        raise
    return SplitStorage(bundle, log_bundle)


async def _open_log(settings: StoreSettings | None) -> Storage:
    assert settings is not None
    bundle: Storage = await _module(settings.backend).open(settings, log_shares_store=True)
    return bundle


async def check_storage(state: StoreSettings, log: StoreSettings | None = None) -> None:
    """Raise `StoreMisconfigured` when these settings can never work; a store that is away now may still."""
    with suppress(StoreUnavailable):
        await (await open_storage(state, log)).close()


def _module(backend: BackendName):  # type: ignore[no-untyped-def]
    try:
        return import_module(f"backends.{backend}")
    except ModuleNotFoundError as error:
        raise StoreMisconfigured(f"the backend {backend!r} needs the package {error.name!r}") from error


__all__ = [
    "BackendName",
    "FirestoreSettings",
    "RedisSettings",
    "SqliteSettings",
    "StoreSettings",
    "check_storage",
    "open_storage",
]
