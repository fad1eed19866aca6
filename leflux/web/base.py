"""What every JSON call of the application shares: the gate, the caps and one shape of errors."""

from typing import Any, TypeVar

import msgspec
import structlog
from tornado.web import HTTPError, RedirectHandler, RequestHandler

from leflux import protocol
from leflux.http1.capped_body import CappedBody
from leflux.protocol import Problem, as_problem, is_expected
from leflux.sites.origin_gate import OriginGate

T = TypeVar("T")
log = structlog.get_logger(__name__)
_STATUS_CODES = {404: "not_found", 405: "method_not_allowed"}


class JsonHandler(CappedBody):
    """Reads at most `body_cap` bytes of JSON; whatever goes wrong is answered as a `Problem`."""

    def initialize(self, body_cap: int, gate: OriginGate) -> None:
        self.body_cap = body_cap
        self.gate = gate

    def check(self) -> None:
        if self.declared_too_large():
            raise self._too_large()
        if self.is_compressed():
            raise Problem("unsupported_media_type", "A compressed body is not accepted.")

    def _too_large(self) -> Problem:
        return Problem("payload_too_large", f"A body has at most {self.body_cap} bytes.", limit=self.body_cap)

    def json_body(self, kind: type[T]) -> T:
        """The body as `kind`. Raises `unsupported_media_type`, `payload_too_large`, `bad_json`, `invalid_request`."""
        return protocol.decode(self.checked_body(), kind)

    def checked_body(self) -> bytes:
        """The body, said to be JSON. Raises `unsupported_media_type` and `payload_too_large`."""
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Problem("unsupported_media_type", "The body must be application/json.")
        if self.is_too_large():
            raise self._too_large()
        return bytes(self.body)

    def answer(self, payload: Any, status: int = 200) -> None:
        """Send a struct, a dict or ready JSON bytes."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(payload if isinstance(payload, bytes) else msgspec.json.encode(payload))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, HTTPError):
            code = _STATUS_CODES.get(error.status_code, "invalid_request")
            problem = Problem(code, error.log_message or self._reason)
        else:
            problem = as_problem(error) if error is not None else Problem("internal_error", self._reason)
        if status_code == 405:
            self.set_header("Allow", allowed_methods(self))
        if problem.code == "rate_limited":
            self.set_header("Retry-After", str(-(-problem.details.get("retryAfterMs", 1000) // 1000)))
        self.answer(problem.json(), problem.status)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if value is not None and not isinstance(value, HTTPError) and not is_expected(value):
            log.error("request failed", path=self.request.path, exc_info=(typ, value, tb))


class NotFoundHandler(JsonHandler):
    """Answers every path that has no route."""

    def initialize(self) -> None:  # type: ignore[override]
        pass

    def check(self) -> None:
        raise HTTPError(404, "There is nothing here.")


class PlainHandler(RequestHandler):
    """Answers something other than JSON; a 405 says what is allowed."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if status_code == 405:
            self.set_header("Allow", allowed_methods(self))
        super().write_error(status_code, **kwargs)


class PlainRedirect(PlainHandler, RedirectHandler):
    """Sends a browser on."""


def allowed_methods(handler: RequestHandler) -> str:
    """The methods that a handler has, for `Allow`. Every GET may also be asked for by HEAD."""
    kind = type(handler)
    found = [
        name
        for name in handler.SUPPORTED_METHODS
        if getattr(kind, name.lower()) is not getattr(RequestHandler, name.lower()) and name != "HEAD"
    ]
    return ", ".join(name for method in found for name in ((method, "HEAD") if method == "GET" else (method,)))
