"""python-socketio's server on our engine: the one file that overrides what is not public there.

`tests/server/engine/test_pins.py` fails when the pinned version changes under it.
"""

from collections.abc import Callable
from typing import Any

import socketio

from leflux.realtime.engine.members import Members
from leflux.realtime.engine.packet import ACK, EVENT, Packet
from leflux.realtime.engine.server import Engine


class DirectEmit(socketio.AsyncManager, Members):  # type: ignore[misc]
    """Encodes an event once and writes it to each recipient at once, without a task for each.

    `delivered(room, seq)` hears of an event that carried a `seq` to a socket of this process.
    """

    delivered: Callable[[str, int], None] | None = None

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: str | None = None,
        skip_sid: str | list[str] | None = None,
        callback: Any = None,
        to: str | None = None,
        **kwargs: Any,
    ) -> None:
        if callback is not None:
            await super().emit(event, data, namespace, room, skip_sid, callback, to, **kwargs)
            return
        if namespace not in self.rooms:
            return
        packet: str | None = None
        skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        for sid, eio_sid in self.get_participants(namespace, to or room):
            if sid in skipped:
                continue
            if packet is None:
                arguments = data if isinstance(data, tuple) else () if data is None else (data,)
                packet = Packet(EVENT, [event, *arguments], namespace).encode()
            self.server.eio.post(eio_sid, packet, hold=True)
        if packet is not None and kwargs.get("seq") is not None and self.delivered is not None:
            self.delivered(to or room or "", kwargs["seq"])


class LocalManager(DirectEmit):
    """For one process."""


class Server(socketio.AsyncServer):  # type: ignore[misc]
    """A `socketio.AsyncServer` whose transport is `Engine`; takes the engine's options too."""

    def __init__(self, *, client_manager: Any = None, **options: Any) -> None:
        # The engine keeps each socket's events in order by itself and waits for every handler.
        super().__init__(
            client_manager=client_manager or LocalManager(), serializer=Packet, async_handlers=False, **options
        )
        self.eio.is_used = self._is_used

    def start(self) -> None:
        """Let the client manager begin its work now, not with the first socket."""
        if not self.manager_initialized:  # type: ignore[has-type]
            self.manager_initialized = True
            self.manager.initialize()

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    def _is_used(self, eio_sid: str) -> bool:
        return any(self._is_in(eio_sid, namespace) for namespace in self.handlers)

    def _is_in(self, eio_sid: str, namespace: str) -> bool:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        return sid is not None and self.manager.is_connected(sid, namespace)

    async def emit(
        self,
        event: str,
        data: Any = None,
        *,
        to: str,
        ignore_queue: bool = False,
        seq: int | None = None,
        namespace: str = "/",
    ) -> None:
        """Send an event to a room or a socket. `seq`: the message it carries, for `DirectEmit.delivered`."""
        await self.manager.emit(event, data, namespace, room=to, ignore_queue=ignore_queue, seq=seq)

    async def hang_up(self, sid: str, namespace: str) -> None:
        """End a socket of this process in one namespace, and its connection when that was all it was for."""
        eio_sid = self.manager.eio_sid_from_sid(sid, namespace)
        await self.disconnect(sid, namespace, ignore_queue=True)
        if eio_sid is not None and not self._is_used(eio_sid):
            await self.eio.disconnect(eio_sid)

    async def _send_packet(self, eio_sid: str, pkt: Packet) -> None:
        self.eio.post(eio_sid, pkt.encode())

    async def _handle_eio_message(self, eio_sid: str, data: str) -> None:
        packet = Packet(encoded_packet=data)
        if packet.packet_type != EVENT or packet.namespace is not None:
            await super()._handle_eio_message(eio_sid, data)
            return
        # What nearly every packet is: an event in the main namespace, answered with one value.
        sid = self.manager.sid_from_eio_sid(eio_sid, "/")
        if not self.manager.is_connected(sid, "/"):
            return
        event, *arguments = packet.data
        handler = self.handlers["/"].get(event)
        if handler is None:
            await super()._handle_event(eio_sid, None, packet.id, packet.data)
            return
        answer = await handler(sid, *arguments)
        if packet.id is not None:
            self.eio.post(eio_sid, Packet(ACK, [answer], id=packet.id).encode())

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        # Our handlers are coroutines that take all there is: no look at what each of them is, for every call.
        handler = self.handlers.get(namespace, {}).get(event)
        return await (super()._trigger_event(event, namespace, *args) if handler is None else handler(*args))

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if self.manager.sid_from_eio_sid(eio_sid, namespace or "/") is not None:
            raise ValueError("a client connects once")
        await super()._handle_connect(eio_sid, namespace, data)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any] | None) -> None:
        await super()._handle_eio_connect(eio_sid, environ or {})
