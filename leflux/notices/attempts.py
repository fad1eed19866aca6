"""Delivers what waits for one endpoint: the notices of a conversation in their order, several conversations at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace

from backends.base import Storage
from backends.clock import now_ms
from leflux.chat.conversation_ids import ConversationIdSource
from leflux.common.server_key import ServerKey
from leflux.config import WebhookSettings
from leflux.notices.history import DeliveryHistory, NoticeDelivery, State
from leflux.notices.lease import SenderLease
from leflux.notices.outbox import Notice, NoticeName, NoticeOutbox, Waiting
from leflux.notices.recorder import is_erased
from leflux.notices.webhook_client import CONNECTIONS, Failure
from leflux.owner.notice_rules import Endpoint, NoticeRules

log = structlog.get_logger(__name__)

AT_ONCE = 64
"""Conversations in one pass: then the outbox is listed again."""
LONGEST_PAUSE = 3600.0
FORGOTTEN_AFTER_MS = 3 * 86_400_000
"""How long a notice that was given up can still be sent by hand."""
LOOK_AGAIN_MS = 60_000
"""A waiting notice is read again this often: its owner may have asked for it in another process."""
LOOK_AGAIN_GIVEN_UP_MS = 600_000


Post = Callable[[Endpoint, NoticeName, Notice], Awaitable[Failure | None]]
"""One attempt at a notice."""


class Counts(Struct):
    """Of this process since its start: notices delivered, attempts that failed, notices given up."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


class Attempts:
    """Remembers when each notice is due (ms), as far as this process has read them. What it has not read is due."""

    def __init__(
        self,
        *,
        storage: Storage,
        rules: NoticeRules,
        lease: SenderLease,
        post: Post,
        history: DeliveryHistory,
        settings: WebhookSettings,
    ) -> None:
        self._sessions = storage.sessions
        self._ids = ConversationIdSource(ServerKey(storage.settings))
        self._outbox = NoticeOutbox(storage.settings)
        self._rules = rules
        self._lease = lease
        self._post = post
        self._history = history
        self._settings = settings
        self._due: dict[NoticeName, int] = {}
        self._given_up: set[NoticeName] = set()
        self.counts = Counts()

    def due(self, names: Sequence[NoticeName]) -> int:
        """When a conversation is looked at again: it waits for the first of its notices that is not given up."""
        times: list[int] = []
        for name in names:
            times.append(self._due.get(name, 0))
            if name not in self._given_up:
                break
        return min(times)

    def keep_only(self, names: Collection[NoticeName]) -> None:
        """Forget about notices that are gone."""
        self._due = {name: due for name, due in self._due.items() if name in names}
        self._given_up.intersection_update(names)

    def look_again(self, receiver: str | None = None) -> None:
        """Read everything again, or everything for one receiver."""
        self._due = {name: due for name, due in self._due.items() if receiver not in (None, name.receiver)}

    async def deliver(self, endpoint: Endpoint, conversations: Mapping[str, Sequence[NoticeName]]) -> None:
        """One pass over what is due, `conversations` by id."""
        now = now_ms()
        ready = [names for names in conversations.values() if self.due(names) <= now]
        slots = asyncio.Semaphore(CONNECTIONS)

        async def one(names: Sequence[NoticeName]) -> None:
            async with slots:
                await self._conversation(endpoint, names)

        chosen = random.sample(ready, min(AT_ONCE, len(ready)))
        async with asyncio.TaskGroup() as group:
            for names in chosen:
                group.create_task(one(names))

    async def _conversation(self, endpoint: Endpoint, names: Sequence[NoticeName]) -> None:
        """In order: what follows a notice that waits for its next attempt waits with it."""
        for name in names:
            if not self._lease.is_held:
                return
            waiting = await self._outbox.get(name)
            if waiting is None:
                continue
            if waiting.notice.due > now_ms():
                self._remember(name, waiting.notice)
                if waiting.notice.given_up:
                    continue
                return
            if waiting.notice.given_up or await self._is_erased(waiting):
                await self._outbox.remove(name)
            elif not endpoint.enabled:
                await self._rest(waiting)
            elif not await self._attempt(endpoint, waiting):
                return

    def _remember(self, name: NoticeName, notice: Notice) -> None:
        again = LOOK_AGAIN_GIVEN_UP_MS if notice.given_up else LOOK_AGAIN_MS
        self._due[name] = min(notice.due, now_ms() + again)
        if notice.given_up:
            self._given_up.add(name)
        else:
            self._given_up.discard(name)

    async def _rest(self, waiting: Waiting) -> None:
        """A notice waits for an endpoint that is switched off, as long as it would be tried."""
        until = waiting.notice.since + round(self._settings.retry_for * 1000)
        if until <= now_ms():
            await self._outbox.remove(waiting.name)
        else:
            self._due[waiting.name] = until
            self._given_up.add(waiting.name)

    async def _is_erased(self, waiting: Waiting) -> bool:
        """A crash may have kept the words of a conversation that was being erased (R7)."""
        if not waiting.notice.has_words:
            return False
        session_id = (await self._ids.get()).session_id(waiting.name.conversation_id)
        return await is_erased(self._sessions, waiting.name.site_id, session_id)

    async def _attempt(self, endpoint: Endpoint, waiting: Waiting) -> bool:
        """Whether the next notice of the conversation may follow."""
        name, notice = waiting.name, waiting.notice
        if (current := self._rules.site(name.site_id).receiver(endpoint.id)) is None or not current.enabled:
            return False
        failure = await self._post(current, name, notice)
        tried = replace(notice, attempts=notice.attempts + 1)
        if failure is None:
            await self._outbox.remove(name)
            self.counts.delivered += 1
            self._history.note(name.site_id, described(name, tried, "delivered"))
            return True
        self.counts.failed += 1
        after = self._after(tried, failure)
        if await self._outbox.replace(waiting, after):
            self._remember(name, after)
        if after.given_up:
            self.counts.given_up += 1
            log.warning("a notice is given up", site=name.site_id, endpoint=endpoint.id, reason=failure.reason)
        if failure.is_gone:
            log.warning("a webhook is switched off", site=name.site_id, endpoint=endpoint.id, reason=failure.reason)
            await self._rules.switch_off(name.site_id, endpoint.id, failure.reason)
        return after.given_up

    def _after(self, tried: Notice, failure: Failure) -> Notice:
        now = now_ms()
        pause = min(self._settings.first_retry * 2 ** min(tried.attempts - 1, 20), LONGEST_PAUSE)
        due = now + round(pause * random.uniform(0.8, 1.2) * 1000)  # noqa: S311 - no secret
        if due - tried.since > self._settings.retry_for * 1000:
            return replace(tried, due=now + FORGOTTEN_AFTER_MS, error=failure.reason, given_up=True)
        return replace(tried, due=due, error=failure.reason)


def described(name: NoticeName, notice: Notice, state: State) -> NoticeDelivery:
    """A notice as its owner sees it."""
    is_waiting = state == "waiting" and notice.attempts > 0
    return NoticeDelivery(
        id=name.delivery_id,
        endpoint_id=name.receiver,
        event=name.event,
        conversation_id=name.conversation_id,
        state=state,
        attempts=notice.attempts,
        created_at=notice.at,
        delivered_at=now_ms() if state == "delivered" else None,
        next_attempt=notice.due if is_waiting else None,
        error=None if state == "delivered" else notice.error,
    )
