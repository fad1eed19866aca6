"""Who is at the other end."""

from typing import Any


class Address:
    """What Tornado's requests look for in `connection.context`. Forwarding headers are the gate's business."""

    __slots__ = ("address", "protocol", "remote_ip")

    def __init__(self, peer: Any) -> None:
        self.address = peer
        # A Unix socket has no address.
        self.remote_ip: str = peer[0] if isinstance(peer, tuple) and peer else "0.0.0.0"  # noqa: S104
        self.protocol = "http"

    def __str__(self) -> str:
        return self.remote_ip
