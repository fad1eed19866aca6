"""Notices that wait for delivery: one document of the settings store for each notice and receiver.

The name of a document says what it is about, so a repeated event replaces nothing and adds nothing, and sorting the
names sorts the notices of a conversation (docs/decisions/notices.md).
"""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from backends.base import SettingsStore
from backends.clock import now_ms
from backends.errors import VersionConflict
from leflux.chat.conversation_events import ChatEvent, EventType

FOLDER = "notices/out/"
LAST_SEQ = 10**11
AT_ONCE = 16
_RANKS: dict[EventType, int] = {
    "conversation.started": 0,
    "message.received": 1,
    "person.asked": 2,
    "address.left": 3,
    "question.unanswered": 4,
    "task.ended": 5,
    "conversation.deleted": 9,
}


class NoticeName(NamedTuple):
    """The parts of a document's name. `order` sorts the notices of a conversation."""

    site_id: str
    conversation_id: str
    order: str
    receiver: str

    @classmethod
    def of(cls, event: ChatEvent, conversation_id: str, receiver: str) -> "NoticeName":
        seq = LAST_SEQ if event.type == "conversation.deleted" else event.seq
        return cls(event.site_id, conversation_id, f"{seq:012d}.{_RANKS[event.type]}.{event.type}", receiver)

    @classmethod
    def parse(cls, text: str) -> "NoticeName":
        return cls(*text.removeprefix(FOLDER).split("/"))

    def __str__(self) -> str:
        return FOLDER + "/".join(self)

    @property
    def event(self) -> str:
        return self.order.split(".", 2)[2]

    @property
    def webhook_id(self) -> str:
        """The idempotency key: the same for every attempt, and for every receiver."""
        return "msg_" + hashlib.sha256("/".join(self[:3]).encode()).hexdigest()[:32]

    @property
    def delivery_id(self) -> str:
        """Names the delivery to its owner."""
        return f"{self.receiver}.{self.webhook_id.removeprefix('msg_')}"


class Notice(Struct, frozen=True, omit_defaults=True):
    """A notice that waits. Times in milliseconds.

    `at`: when it happened. `since`: when its attempts began. `due`: the next attempt; of one that is given up: when it
    is forgotten.
    """

    at: int
    data: dict[str, Any]
    since: int
    attempts: int = 0
    due: int = 0
    error: str | None = None
    given_up: bool = False

    @property
    def has_words(self) -> bool:
        return "text" in self.data


class Waiting(Struct, frozen=True):
    """A notice as it is stored."""

    name: NoticeName
    notice: Notice
    version: int


class NoticeOutbox:
    """The documents. Raises `StoreUnavailable`."""

    def __init__(self, store: SettingsStore) -> None:
        self._store = store

    async def add(self, name: NoticeName, data: dict[str, Any]) -> None:
        """Keep a notice. One that waits already stays as it is."""
        now = now_ms()
        try:
            await self._store.put(str(name), msgspec.json.encode(Notice(now, data, now)), 0)
        except VersionConflict:
            return

    async def names(self, site_id: str | None = None, conversation_id: str | None = None) -> list[NoticeName]:
        """What waits: of everybody, of a site, or of a conversation."""
        prefix = FOLDER + "".join(f"{part}/" for part in (site_id, conversation_id) if part is not None)
        return [NoticeName.parse(name) for name in await self._store.names(prefix)]

    async def get(self, name: NoticeName) -> Waiting | None:
        found = await self._store.get(str(name))
        return None if found is None else Waiting(name, msgspec.json.decode(found.value, type=Notice), found.version)

    async def replace(self, waiting: Waiting, notice: Notice) -> bool:
        """False when it was changed or removed meanwhile, as by an erasure."""
        try:
            await self._store.put(str(waiting.name), msgspec.json.encode(notice), waiting.version)
        except VersionConflict:
            return False
        return True

    async def remove(self, name: NoticeName) -> None:
        await self._store.remove(str(name))

    async def remove_all(self, names: Iterable[NoticeName]) -> None:
        every = list(names)
        for start in range(0, len(every), AT_ONCE):
            await asyncio.gather(*(self.remove(name) for name in every[start : start + AT_ONCE]))

    async def forget(self, site_id: str, conversation_id: str) -> None:
        """Nothing of the conversation waits any more."""
        await self.remove_all(await self.names(site_id, conversation_id))
