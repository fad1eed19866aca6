"""Tells every process what has happened in a conversation: the page that shows it, and the owners who watch it.

All of it may be lost: pages compare themselves with the store, and owners read the conversation again.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from leflux import protocol
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.chat.ports import News
from leflux.realtime.crawl_feed import NAMESPACE, OwnerEmitter
from leflux.realtime.notes import Bus

CONVERSATION = "conversation"


class ConversationFeed:
    """The chat's `NewsPort`. Subscribers hear of all news, in every process."""

    def __init__(self, emitter: OwnerEmitter, ids: ConversationIdSource, bus: Bus) -> None:
        self._emitter = emitter
        self._ids = ids
        self._bus = bus
        self._subscribers: list[Callable[[News], Awaitable[None]]] = []
        bus.subscribe(CONVERSATION, self._heard)

    def subscribe(self, subscriber: Callable[[News], Awaitable[None]]) -> None:
        self._subscribers.append(subscriber)

    async def told(self, news: News) -> None:
        """Something has happened in this process."""
        await self._show(news)
        await self._bus.tell(CONVERSATION, msgspec.structs.asdict(news))

    async def _heard(self, note: dict[str, Any]) -> None:
        await self._show(msgspec.convert(note, News))

    async def _show(self, news: News) -> None:
        for subscriber in self._subscribers:
            await subscriber(news)
        payload = {"siteId": news.site_id, "conversationId": (await self._ids.get()).of(news.session_id)}
        payload |= {"what": news.kind}
        room = watching(news.session_id)
        await self._emitter.emit(
            protocol.CONVERSATION_CHANGED, payload, to=room, ignore_queue=True, namespace=NAMESPACE
        )


def watching(session_id: str) -> str:
    """The room of the owners' sockets that watch a conversation."""
    return f"conversation:{session_id}"
