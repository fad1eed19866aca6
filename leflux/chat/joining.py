"""A socket joins a session, and leaves it."""

from msgspec import Raw

from backends.errors import SessionDeleted, SessionNotFound
from backends.records import SessionRef, Snapshot
from leflux import protocol
from leflux.chat.ports import ChatPorts, VisitorSocket
from leflux.protocol import Problem


class Joining:
    """A session has one socket: the one with the newest epoch. The store decides which."""

    def __init__(self, ports: ChatPorts) -> None:
        self._ports = ports
        self._store = ports.storage.sessions

    async def join(self, socket: VisitorSocket, request: protocol.JoinSession) -> protocol.Joined:
        """Claim the session for the socket, tell it the history, and resume the session's task."""
        ref = self._ref(socket, request.session_id)
        left, left_epoch = socket.session_id, socket.epoch
        with self._ports.rates.lookups.guard(socket.address):
            snapshot, joined = await self._claim(socket, ref, request.since)
        session = snapshot.session
        if session.asked > session.answered:
            # The first process that hears from the visitor again answers a question that a crash left open.
            self._ports.answering.wake(ref.site_id, ref.session_id)
        if socket.session_id == ref.session_id:
            socket.seq = max(socket.seq, joined.seq)
        if left is not None and left != ref.session_id:
            await self._release(socket, left, left_epoch)
        socket.url, socket.page = request.url or "", request.page or ""
        await self._ports.sockets.tell(socket.sid, protocol.SESSION_JOINED, joined)
        if snapshot.task is not None and snapshot.task.status in ("running", "held"):
            await self._ports.tasks.rejoin(ref, socket.epoch, request.url, socket.page, request.journal)
        return joined

    async def _claim(self, socket: VisitorSocket, ref: SessionRef, since: int) -> tuple[Snapshot, protocol.Joined]:
        sockets, left = self._ports.sockets, socket.session_id
        read_only_ms = round(self._ports.policy(ref.site_id).read_only * 1000)
        with sockets.joining(ref.session_id) as newest:
            snapshot = await self._store.claim(ref, socket.sid, since, protocol.HISTORY_LIMIT)
            session = snapshot.session
            socket.last_activity = session.last_activity
            socket.person = None if session.person is None else session.person.name
            if not await sockets.hold(socket, session, read_only_ms, snapshot.taken_from):
                raise Problem("not_owner", "A newer socket holds this session.")
            socket.seq = max(socket.seq, session.seq) if left == ref.session_id else session.seq
            joined = await self._joined(snapshot, since, session.epoch)
            while newest() > joined.seq:
                # A message was emitted after the claim, before this socket was in the session's room.
                snapshot = await self._store.restore(ref, since, protocol.HISTORY_LIMIT)
                joined = await self._joined(snapshot, since, session.epoch)
        return snapshot, joined

    async def _joined(self, snapshot: Snapshot, since: int, epoch: int) -> protocol.Joined:
        session = snapshot.session
        return protocol.Joined(
            session_id=session.session_id,
            restored=True,
            seq=session.seq,
            history=list(map(Raw, snapshot.messages)),
            truncated=len(snapshot.messages) < session.seq - since,
            task=None if snapshot.task is None else Raw(snapshot.task.body),
            streams=await self._ports.streams(session) if session.asked > session.answered else [],
            epoch=epoch,
            person=None if session.person is None else protocol.PersonShown(session.person.name),
        )

    async def leave(self, socket: VisitorSocket) -> None:
        """The socket is gone: its task waits for the next page, and the session is free."""
        if socket.session_id is None:
            return
        await self._ports.tasks.hold(self._ref(socket, socket.session_id), socket.epoch)
        await self._release(socket, socket.session_id, socket.epoch)

    async def _release(self, socket: VisitorSocket, session_id: str, epoch: int) -> None:
        try:
            await self._store.release(self._ref(socket, session_id), epoch)
        except (SessionNotFound, SessionDeleted):
            return

    def _ref(self, socket: VisitorSocket, session_id: str) -> SessionRef:
        return self._ports.policy(socket.site.id).ref(socket.site.id, session_id)
