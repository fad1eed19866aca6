"""Storage. A leaf: imports nothing of `leflux`, and a driver only when its store is opened."""

import re
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import msgspec

from backends.base import Storage
from backends.descriptor import StoreDescriptor
from backends.errors import StoreMisconfigured, StoreUnavailable
from backends.schema import migrate

GROUP = "leflux.storage"
SHIPPED = {
    "memory": "backends.memory:STORE",
    "sqlite": "backends.sqlite:STORE",
    "redis": "backends.redis:STORE",
    "postgres": "backends.postgres:STORE",
    "firestore": "backends.firestore:STORE",
}
"""The entry points of `pyproject.toml`, for a checkout that is not installed."""


def installed() -> dict[str, str]:
    """The object reference (`module:attribute`) of each store's descriptor, by the store's name."""
    return {point.name: point.value for point in entry_points(group=GROUP)} | SHIPPED


@cache
def find_store(name: str) -> StoreDescriptor:
    """The descriptor of an installed store, or of the module `name` (`my.module` or `my.module:ATTRIBUTE`).

    Raises `StoreMisconfigured`.
    """
    reference = installed().get(name)
    if reference is None and not {".", ":"} & set(name):
        raise StoreMisconfigured(f"no store is named {name!r}; installed: {', '.join(sorted(installed()))}")
    module, _, attribute = (reference or name).partition(":")
    try:
        found = getattr(import_module(module), attribute or "STORE", None)
    except Exception as error:
        raise StoreMisconfigured(f"the store {name!r} cannot be imported: {error}") from error
    if not isinstance(found, StoreDescriptor):
        raise StoreMisconfigured(f"{module} has no StoreDescriptor named {attribute or 'STORE'}")
    return found


class StoreSettings(msgspec.Struct, frozen=True):
    """Which store, and the settings of its own section (None: its defaults).

    `deadline`: seconds after which a call raises `StoreUnavailable` (G2). Equal `backend` and `options` name one store.
    """

    backend: str = "memory"
    options: Any = None
    deadline: float = 4.0

    def __post_init__(self) -> None:
        if self.options is None:
            msgspec.structs.force_setattr(self, "options", self.store.options())

    @property
    def store(self) -> StoreDescriptor:
        return find_store(self.backend)

    def target(self) -> object:
        """What identifies the store: settings with equal targets are one store."""
        return (self.backend, self.options)

    def section(self) -> dict[str, Any]:
        """The section that `read_settings` reads these settings from."""
        return {"backend": self.backend, self.backend: msgspec.to_builtins(self.options), "deadline": self.deadline}


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    backend: str = "memory"
    deadline: float = 4.0


def read_settings(tree: object, path: str = "$") -> StoreSettings:
    """The settings in a configuration section. Raises `StoreMisconfigured`, which names the path."""
    given: dict[str, object] = _convert(tree, dict, path)
    section = _convert({key: given[key] for key in ("backend", "deadline") if key in given}, _Section, path)
    name = section.backend
    try:
        store = find_store(name)
    except StoreMisconfigured as error:
        raise StoreMisconfigured(f"{error} - at `{path}.backend`") from None
    for key in given.keys() - {"backend", "deadline", name}:
        if key in installed():
            expected = f"the section belongs to the store {key!r}, and `backend` is {name!r}"
            raise StoreMisconfigured(f"{expected} - at `{path}.{key}`")
        raise StoreMisconfigured(f"Object contains unknown field `{key}` - at `{path}`")
    options = _convert(given.get(name, {}), store.options, f"{path}.{name}")
    return StoreSettings(name, options, section.deadline)


def _convert(tree: object, kind: type[Any], path: str) -> Any:
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        said = re.sub(r"`\$", f"`{path}", str(error))
        raise StoreMisconfigured(said if f"`{path}" in said else f"{said} - at `{path}`") from None


async def open_storage(state: StoreSettings, log: StoreSettings | None = None) -> Storage:
    """Open the state store and the message log (left out: the same store).

    Raises `StoreMisconfigured` when it can never work and `StoreUnavailable` when it does not answer now. A log
    of its own that does not answer is opened later: its lines wait in the state's outbox.
    """
    if log is None or log.target() == state.target():
        return await open_store(state, log_shares_store=True)
    from backends.split import LateLog, SplitStorage

    bundle = await open_store(state, log_shares_store=False)
    try:
        log_bundle = await open_store(log, log_shares_store=True)
    except StoreUnavailable:
        return SplitStorage(bundle, LateLog(lambda: open_store(log, log_shares_store=True)))
    except BaseException:
        await bundle.close()
        raise
    return SplitStorage(bundle, log_bundle)


async def open_store(settings: StoreSettings, log_shares_store: bool) -> Storage:
    """Open one store. Errors as of `open_storage`."""
    store = settings.store
    try:
        storage = await store.open(settings.options, settings.deadline, log_shares_store)
    except ModuleNotFoundError as error:
        extra = f'; run: pip install "leflux[{settings.backend}]"' if settings.backend in SHIPPED else ""
        raise StoreMisconfigured(f"the store {settings.backend!r} needs the package {error.name!r}{extra}") from error
    if store.migrations is not None:
        try:
            await migrate(storage, store.migrations)
        except BaseException:
            await storage.close()
            raise
    return storage


async def check_storage(state: StoreSettings, log: StoreSettings | None = None) -> None:
    """Raise `StoreMisconfigured` when these settings can never work; a store that is away now may still."""
    with suppress(StoreUnavailable):
        await (await open_storage(state, log)).close()
