"""What happens in conversations that a site's owner may want to hear of, and the port that hears of it."""

from collections.abc import Container
from typing import Any, Literal, Protocol

from msgspec import Struct

EventType = Literal[
    "conversation.started",
    "message.received",
    "person.asked",
    "question.unanswered",
    "task.ended",
    "address.left",
    "conversation.deleted",
]


class ChatEvent(Struct, frozen=True):
    """One event. `seq`: the message that it belongs to; 0: none. `data`: JSON without the session id.

    The session, the type and the `seq` are its identity: whoever is not sure that it was recorded records it again.
    `data` holds what a visitor wrote only when the site's log may hold it (R6).
    """

    type: EventType
    site_id: str
    session_id: str
    seq: int = 0
    data: dict[str, Any] = {}


class ConversationEvents(Protocol):
    """Hears of the events of the sites in `listening`; the others need not be told of."""

    @property
    def listening(self) -> Container[str]: ...
    async def record(self, event: ChatEvent) -> None:
        """Keep the event until it is delivered. Call it before the deed is acknowledged or counts as done, so that a
        crash in between repeats it. `conversation.deleted` drops what is kept of the conversation.

        Raises `StoreUnavailable`: then the deed is not done either.
        """
