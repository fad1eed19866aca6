"""A request whose body is read by us: capped, and dropped when the request is refused. For `web` and `realtime`."""

from collections.abc import Awaitable
from typing import Any

from tornado.web import RequestHandler, stream_request_body


@stream_request_body
class CappedBody(RequestHandler):
    """Keeps at most `body_cap` bytes in `self.body`. A subclass says in `check` whether it wants the request."""

    body_cap = 0

    def prepare(self) -> Awaitable[None] | None:
        self.body = bytearray()
        self.is_refused = False
        try:
            self.check()
        except Exception as problem:
            self.refuse(problem)
        return None

    def check(self) -> None:
        """Raise to refuse the request before its body is read."""

    def refuse(self, problem: Exception) -> None:
        """Answer with `problem` when the body has come.

        An answer that overtakes the request's end costs the connection, and is often lost with it.
        """
        self.is_refused = True

        def refused(*_: Any) -> None:
            raise problem

        setattr(self, (self.request.method or "get").lower(), refused)

    def declared_too_large(self) -> bool:
        length = self.request.headers.get("Content-Length", "0")
        return length.isdigit() and int(length) > self.body_cap

    def is_too_large(self) -> bool:
        return len(self.body) > self.body_cap

    def is_compressed(self) -> bool:
        return self.request.headers.get("Content-Encoding", "identity") != "identity"

    def data_received(self, chunk: bytes) -> None:
        if not self.is_refused and len(self.body) <= self.body_cap:
            self.body += chunk
