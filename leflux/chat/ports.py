"""What the chat needs from the rooms around it: sockets, answering, tasks, counters and limits."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from msgspec import Struct

from backends.base import Storage
from backends.records import Session, SessionRef
from leflux import protocol
from leflux.chat.conversation_events import ConversationEvents
from leflux.chat.policy import Policy
from leflux.config import LimitSettings
from leflux.sites.rate_limits import FleetLimit, LookupLimit
from leflux.sites.registry import Site


class VisitorSocket(Struct):
    """One socket. `session_id` is None until it joins; `epoch` fences its writes; `seq` is the newest message it has.

    `url` is the page it is on, and `page` names that instance of it, as far as it said. `last_activity` is
    the session's (ms), as far as is known. `person`: the name of who has the session, as the page was told.
    """

    sid: str
    site: Site
    address: str
    session_id: str | None = None
    epoch: int = 0
    seq: int = 0
    visible: bool = True
    url: str = ""
    page: str = ""
    last_activity: int = 0
    person: str | None = None


NewsKind = Literal["taken", "free", "said", "visitor_typing", "visitor_still", "person_typing", "person_still"]


class News(Struct, frozen=True):
    """Something has happened in a conversation. `name`: of the person who has it."""

    kind: NewsKind
    site_id: str
    session_id: str
    name: str = ""


class NewsPort(Protocol):
    """Tells every process what has happened in a conversation. May lose it: the store decides."""

    async def told(self, news: News) -> None: ...


class NoNews:
    """Nobody is told."""

    async def told(self, news: News) -> None:
        return None


class VisitorPort(Protocol):
    """Sends events to a session's visitor, whichever process holds the socket. May lose them.

    `seq`: of the message that the event carries.
    """

    async def emit(self, session_id: str, event: str, payload: Any, seq: int | None = None) -> None: ...


class DeletionPort(Protocol):
    """Tells the pages of an erased session, in every process."""

    async def deleted(self, session_id: str) -> None: ...


class SocketPort(VisitorPort, DeletionPort, Protocol):
    """The sockets of this process."""

    async def tell(self, sid: str, event: str, payload: Any) -> None: ...
    def joining(self, session_id: str) -> AbstractContextManager[Callable[[], int]]: ...
    async def hold(self, socket: VisitorSocket, session: Session, read_only_ms: int, taken_from: str | None) -> bool:
        """Give the session's events to a socket that has claimed it. False when a newer socket was faster."""


class CancelPort(Protocol):
    """Drops the work on a session that is being erased."""

    def cancel(self, session_id: str) -> None: ...


class AnsweringPort(CancelPort, Protocol):
    """Answers open questions. `replies`: there is an agent that answers."""

    @property
    def replies(self) -> bool: ...
    def wake(self, site_id: str, session_id: str) -> None: ...


class TaskPort(Protocol):
    """Runs tasks on visitors' pages."""

    async def hold(self, ref: SessionRef, epoch: int) -> None: ...
    async def pause(self, ref: SessionRef) -> None: ...
    async def rejoin(self, ref: SessionRef, epoch: int, url: str | None, page: str, journal: Any) -> None: ...


class ChatCounter(Protocol):
    """Counts what happens on a site."""

    def restored(self, site_id: str, how: Any, milliseconds: float | None = None) -> None: ...
    def said(self, site_id: str, created: bool) -> None: ...
    def missed(self, site_id: str) -> None: ...


class ChatRates(Struct, frozen=True):
    """Rate limits: new sessions by address, messages by session and by address, guesses of session ids by address."""

    starts: FleetLimit
    session: FleetLimit
    address: FleetLimit
    lookups: LookupLimit


NO_NEWS = NoNews()


class ChatPorts(Struct, frozen=True, kw_only=True):
    """`policy(site_id)` and `config(site_id)`: the site's rules and widget configuration at this moment.

    `streams(session)`: the replies that are being written in a session, and `stop(session_id)` ends them, in whichever
    process. `events` hears of what happens; None: nobody listens.
    """

    storage: Storage
    policy: Callable[[str], Policy]
    config: Callable[[str], dict[str, Any]]
    sockets: SocketPort
    answering: AnsweringPort
    tasks: TaskPort
    streams: Callable[[Session], Awaitable[list[protocol.Stream]]]
    stop: Callable[[str], Awaitable[None]]
    counter: ChatCounter
    limits: LimitSettings
    rates: ChatRates
    events: ConversationEvents | None = None
    news: NewsPort = NO_NEWS
