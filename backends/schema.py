"""The version of a store's data, for stores that have no place of their own for it: a document of the settings.

A store of 0.2.0 has no such document and is version 1. Each migration leads to the next version.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from backends.base import SettingsStore
from backends.errors import StoreMisconfigured, VersionConflict

NAME = "schema"
Migration = Callable[[Any], Awaitable[None]]
"""Called with the open storage. It may have been interrupted anywhere before, and by another process at the same time:
doing it again, in part or whole, changes nothing."""


class SchemaDoc(msgspec.Struct):
    version: int


async def migrate(storage: Any, migrations: Sequence[Migration]) -> None:
    """Bring the store to the newest version, one stored step after the other.

    Raises `StoreMisconfigured` when a newer LeFlux has written it.
    """
    settings: SettingsStore = storage.settings
    newest = 1 + len(migrations)
    while True:
        found = await settings.get(NAME)
        version = 1 if found is None else msgspec.json.decode(found.value, type=SchemaDoc).version
        if version > newest:
            raise StoreMisconfigured(
                f"the store was written by a newer LeFlux (schema {version}; this one knows {newest})"
            )
        if version == newest:
            return
        await migrations[version - 1](storage)
        try:
            await settings.put(NAME, msgspec.json.encode(SchemaDoc(version + 1)), 0 if found is None else found.version)
        except VersionConflict:
            # Another process has done the same step.
            continue
