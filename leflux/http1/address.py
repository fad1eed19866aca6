"""The address of the client."""

from typing import Any


class PeerAddress:
    """What Tornado's requests look for in `connection.context`. Forwarding headers are the gate's business."""

    __slots__ = ("address", "is_known", "protocol", "remote_ip")

    def __init__(self, peer: Any) -> None:
        self.address = peer
        # A Unix socket has no address.
        self.is_known = isinstance(peer, tuple) and bool(peer)
        self.remote_ip: str = peer[0] if self.is_known else "0.0.0.0"  # noqa: S104
        self.protocol = "http"

    def __str__(self) -> str:
        return self.remote_ip
