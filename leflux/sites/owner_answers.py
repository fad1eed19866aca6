"""What a site's owner answers to questions that its pages do not answer: one document of the settings store a site.

It is read for each question, so that every process gives a new answer from the next question on.
"""

import msgspec

from backends.base import SettingsStore
from backends.errors import StorageError, VersionConflict
from leflux.protocol import Problem
from leflux.protocol.owner_api import OwnerAnswer, OwnerAnswerList

DOCUMENT_BYTES = 200_000


class OwnerAnswers:
    """Reads and writes them."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store

    async def of(self, site_id: str) -> list[OwnerAnswer]:
        """For the next question; none while the store does not answer."""
        try:
            return (await self.read(site_id)).answers
        except StorageError:
            return []

    async def read(self, site_id: str) -> OwnerAnswerList:
        """What the store says now. Raises `StoreUnavailable`."""
        found = await self._store.get(_name(site_id))
        if found is None:
            return OwnerAnswerList([], 0)
        return OwnerAnswerList(msgspec.json.decode(found.value, type=list[OwnerAnswer]), found.version)

    async def write(self, site_id: str, wanted: OwnerAnswerList) -> OwnerAnswerList:
        """Replace them. Raises `conflict` for a stale version, `payload_too_large`."""
        document = msgspec.json.encode(wanted.answers)
        if len(document) > DOCUMENT_BYTES:
            raise Problem("payload_too_large", f"The answers of a site take at most {DOCUMENT_BYTES} bytes.")
        try:
            stored = await self._store.put(_name(site_id), document, wanted.version)
        except VersionConflict:
            raise Problem("conflict", "The answers have been changed since; load them again.") from None
        return OwnerAnswerList(wanted.answers, stored.version)


def _name(site_id: str) -> str:
    return f"answers/{site_id}"
