"""Shows a page whether a person of the site has its conversation, and ends what the agent was doing in it."""

from collections.abc import Callable

from backends.records import Session
from leflux import protocol
from leflux.chat.policy import Policy
from leflux.chat.ports import CancelPort, News, TaskPort, VisitorSocket
from leflux.realtime.hub import Hub, VisitorSockets


class VisitorPresence:
    """What the pages of this process show."""

    def __init__(
        self,
        hub: Hub,
        sockets: VisitorSockets,
        answering: CancelPort,
        tasks: TaskPort,
        policy: Callable[[str], Policy],
    ) -> None:
        self._hub = hub
        self._sockets = sockets
        self._answering = answering
        self._tasks = tasks
        self._policy = policy

    def cancel(self, session_id: str) -> None:
        """Drop the answering of a session, which is none of the agent's any more."""
        self._answering.cancel(session_id)

    async def heard(self, news: News) -> None:
        """News of any process."""
        if news.kind == "taken":
            self._answering.cancel(news.session_id)
        socket = self._sockets.holders.get(news.session_id)
        if socket is None:
            return
        if news.kind in ("taken", "free"):
            await self._show(socket, news.session_id, news.name or None)
        elif news.kind in ("person_typing", "person_still") and socket.person is not None:
            await self._tell(socket, typing=news.kind == "person_typing")

    async def compare(self, socket: VisitorSocket, session: Session) -> None:
        """Repair what was lost, and tell a page that its person has been silent for too long."""
        await self._show(socket, session.session_id, None if session.person is None else session.person.name)

    async def _show(self, socket: VisitorSocket, session_id: str, name: str | None) -> None:
        if socket.person == name:
            return
        socket.person = name
        await self._tell(socket)
        if name is None:
            # No page instance runs the task any more, so its steps are sent again.
            ref = self._policy(socket.site.id).ref(socket.site.id, session_id)
            await self._tasks.rejoin(ref, socket.epoch, socket.url or None, "", None)

    async def _tell(self, socket: VisitorSocket, typing: bool = False) -> None:
        person = None if socket.person is None else protocol.PersonShown(socket.person)
        await self._hub.tell(socket.sid, protocol.PRESENCE, protocol.Presence(person, typing))
