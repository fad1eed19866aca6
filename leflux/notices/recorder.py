"""Hears what happens in conversations, and keeps what a site's owner wants to be told."""

import asyncio
from weakref import WeakValueDictionary

from backends.base import Sessions, Storage
from backends.errors import SessionDeleted, SessionNotFound
from backends.records import SessionRef
from leflux.chat.conversation_events import ChatEvent
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.chat.erasure import FOREVER
from leflux.common.server_key import ServerKey
from leflux.common.signals import Signal
from leflux.notices.outbox import NoticeName, NoticeOutbox
from leflux.owner.notice_rules import NoticeRules


class NoticeRecorder:
    """The port `ConversationEvents`. `recorded` is signalled when something new waits.

    An event of a site that wants to hear of none of its kind costs nothing.
    """

    def __init__(self, storage: Storage, rules: NoticeRules) -> None:
        self._sessions = storage.sessions
        self._current = self.listening = rules.current
        self._ids = ConversationIdSource(ServerKey(storage.settings))
        self._outbox = NoticeOutbox(storage.settings)
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.recorded: Signal[[]] = Signal()

    async def record(self, event: ChatEvent) -> None:
        """See `ConversationEvents`."""
        notices = self._current.get(event.site_id)
        known = () if notices is None else notices.receivers
        receivers = [entry.id for entry in known if entry.enabled and event.type in entry.events]
        is_erasure = event.type == "conversation.deleted"
        if not receivers and not (is_erasure and known):
            return
        conversation_id = (await self._ids.get()).of(event.session_id)
        # Of two messages that are stored at the same time, the earlier one is kept first.
        async with self._orders.setdefault(conversation_id, asyncio.Lock()):
            if is_erasure:
                await self._outbox.forget(event.site_id, conversation_id)
            names = [NoticeName.of(event, conversation_id, receiver) for receiver in receivers]
            for name in names:
                await self._outbox.add(name, event.data)
            if "text" in event.data and await is_erased(self._sessions, event.site_id, event.session_id):
                # The erasure may have looked before the notice was there (R7).
                await self._outbox.remove_all(names)
        self.recorded()


async def is_erased(sessions: Sessions, site_id: str, session_id: str) -> bool:
    """Whether the session was deleted, and not only evicted."""
    try:
        await sessions.load(SessionRef(site_id, session_id, FOREVER))
    except SessionDeleted:
        return True
    except SessionNotFound:
        return False
    return False
