"""Error response for a rejected request."""

from http.client import responses

import msgspec


class RequestRejected(Exception):
    """A request that is rejected before a handler sees it, as an HTTP response."""

    def __init__(self, message: str, status: int = 400, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def answer(self) -> bytes:
        """The whole answer, after which the connection is closed."""
        body = msgspec.json.encode({"error": self.code, "message": str(self)})
        head = (
            f"HTTP/1.1 {self.status} {responses[self.status]}\r\nContent-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode("ascii") + body


NO_ROOM = RequestRejected("Too many connections.", 503, "rate_limited").answer()
"""The answer to a connection that is not admitted."""
