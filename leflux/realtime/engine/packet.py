"""A lean Socket.IO packet for python-socketio's `serializer`: text only, parsed by msgspec, checked strictly.

`ValueError` from here closes the socket that sent the packet.
"""

import re
from typing import Any

import msgspec

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = range(5)
# Names with a meaning of their own on one side or the other: a client that emits one is forging it.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})
_HEAD = re.compile(r"([0-4])(?:(/[^,\x00-\x20]{0,63}),?)?(\d{1,15})?")
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class Packet:
    """What `socketio.AsyncServer` builds and reads. `data` may hold structs and `msgspec.Raw`."""

    __slots__ = ("attachment_count", "data", "id", "namespace", "packet_type")

    uses_binary_events = False
    json: Any = None

    def __init__(
        self,
        packet_type: int = EVENT,
        data: Any = None,
        namespace: str | None = None,
        id: int | None = None,  # noqa: A002 - python-socketio's name
        binary: bool | None = None,
        encoded_packet: str | None = None,
    ) -> None:
        del binary
        self.packet_type = packet_type
        self.data = data
        self.namespace = namespace
        self.id = id
        self.attachment_count = 0
        if encoded_packet is not None:
            self._read(encoded_packet)

    def encode(self) -> str:
        namespace = "" if self.namespace in (None, "/") else f"{self.namespace},"
        number = "" if self.id is None else self.id
        data = "" if self.data is None else _encode(self.data).decode()
        return f"{self.packet_type}{namespace}{number}{data}"

    def _read(self, text: str) -> None:
        head = _HEAD.match(text)
        if head is None:
            raise ValueError("not a Socket.IO packet")
        self.packet_type = int(head[1])
        self.namespace = head[2]
        self.id = int(head[3]) if head[3] else None
        body = text[head.end() :]
        try:
            self.data = _decode(body) if body else None
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise ValueError(f"the packet's data is not JSON: {error}") from None
        self._check()

    def _check(self) -> None:
        data = self.data
        if self.packet_type == EVENT:
            if not isinstance(data, list) or not data or not isinstance(data[0], str):
                raise ValueError("an event is a list that starts with its name")
            if data[0] in RESERVED:
                raise ValueError("a client cannot emit a reserved event")
        elif self.packet_type == ACK:
            if not isinstance(data, list) or self.id is None:
                raise ValueError("an acknowledgement is a list with an id")
        elif self.packet_type == CONNECT_ERROR:
            raise ValueError("a client cannot refuse a connection")
        elif data is not None and not isinstance(data, dict):
            raise ValueError("a connection packet carries an object")
