"""The server's own secret, shared by all processes and kept in the settings store."""

import hmac
import secrets

from backends.base import SettingsStore
from backends.errors import VersionConflict

NAME = "keys/server"
KEY_BYTES = 32


class ServerKey:
    """Created once, by whichever process comes first; every use derives a key of its own from it."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store
        self._root: bytes | None = None

    async def derived(self, purpose: str) -> bytes:
        """The key for one purpose. Raises `StoreUnavailable` until the root has been read once."""
        if self._root is None:
            self._root = await self._read()
        return hmac.digest(self._root, purpose.encode(), "sha256")

    async def _read(self) -> bytes:
        found = await self._store.get(NAME)
        if found is None:
            try:
                found = await self._store.put(NAME, secrets.token_bytes(KEY_BYTES).hex().encode(), 0)
            except VersionConflict:
                # Another process has just created it.
                found = await self._store.get(NAME)
        assert found is not None
        return bytes.fromhex(found.value.decode())
