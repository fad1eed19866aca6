"""What an operator should mend in the stores: said at start, by `/ready` and by `doctor`."""

from collections.abc import Iterator

from backends import StoreSettings
from backends.errors import StorageError, StoreMisconfigured
from leflux.config import Settings


def stores(settings: Settings) -> Iterator[tuple[str, StoreSettings]]:
    """Each store with its section of the configuration."""
    yield "storage", settings.storage
    log = settings.message_log
    if log is not None and log.target() != settings.storage.target():
        yield "message_log", log


async def findings(settings: Settings) -> list[str]:
    """What an operator should mend in the stores, each with its section. A store that is away tells nothing."""
    found: list[str] = []
    for section, store in stores(settings):
        if store.store.diagnose is not None:
            try:
                found += [f"{section}: {said}" for said in await store.store.diagnose(store.options, store.deadline)]
            except StoreMisconfigured:
                raise
            except StorageError as error:
                found.append(f"{section}: does not answer: {error}")
    return found
