"""A request whose body is read by us: capped, and dropped when the request is refused. For `web` and `realtime`."""

from typing import Any

from tornado.web import RequestHandler, stream_request_body


@stream_request_body
class CappedBody(RequestHandler):
    """Keeps at most `body_cap` bytes in `self.body`. A subclass says in `check` whether it wants the request."""

    body_cap = 0

    def prepare(self) -> None:
        self.body = bytearray()
        self._dropping = False
        try:
            self.check()
        except Exception as problem:
            headers = self.request.headers
            if headers.get("Content-Length", "0") == "0" and "Transfer-Encoding" not in headers:
                raise
            self._refuse_later(problem)

    def check(self) -> None:
        """Raise to refuse the request before its body is read."""

    def _refuse_later(self, problem: Exception) -> None:
        # An answer that overtakes the body is often lost: the connection is reset under it.
        self._dropping = True

        def refuse(*_: Any) -> None:
            raise problem

        setattr(self, (self.request.method or "get").lower(), refuse)

    def declared_too_large(self) -> bool:
        length = self.request.headers.get("Content-Length", "0")
        return length.isdigit() and int(length) > self.body_cap

    def is_too_large(self) -> bool:
        return len(self.body) > self.body_cap

    def is_compressed(self) -> bool:
        return self.request.headers.get("Content-Encoding", "identity") != "identity"

    def data_received(self, chunk: bytes) -> None:
        if not self._dropping and len(self.body) <= self.body_cap:
            self.body += chunk
