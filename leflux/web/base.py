"""What every JSON call shares: the gate, the caps, one shape of errors, and CORS for embedding sites."""

import re
from typing import Any, TypeVar

import msgspec
import structlog
from tornado.web import HTTPError, RequestHandler

from leflux import wire
from leflux.body import CappedBody
from leflux.gate import Gate
from leflux.problems import Problem, as_problem, is_expected
from leflux.sites import Site

T = TypeVar("T")
log = structlog.get_logger(__name__)
_STATUS_CODES = {404: "not_found", 405: "method_not_allowed"}


class JsonHandler(CappedBody):
    """Reads at most `body_cap` bytes of JSON; whatever goes wrong is answered as a `Problem`."""

    allowed_methods = "GET, POST, DELETE, OPTIONS"

    def initialize(self, body_cap: int, gate: Gate) -> None:
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
        return wire.decode(self.checked_body(), kind)

    def checked_body(self) -> bytes:
        """The body, said to be JSON. Raises `unsupported_media_type` and `payload_too_large`."""
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Problem("unsupported_media_type", "The body must be application/json.")
        if self.is_too_large():
            raise self._too_large()
        return bytes(self.body)

    def has_body(self) -> bool:
        return bool(self.body)

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
        if problem.code == "rate_limited":
            self.set_header("Retry-After", str(-(-problem.details.get("retryAfterMs", 1000) // 1000)))
        self.answer(problem.json(), problem.status)

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        if value is not None and not isinstance(value, HTTPError) and not is_expected(value):
            log.error("request failed", path=self.request.path, exc_info=(typ, value, tb))


class VisitorHandler(JsonHandler):
    """A call from a page of a registered site. `self.site` is set before anything else happens."""

    site: Site

    def set_default_headers(self) -> None:
        self.set_header("Vary", "Origin")

    def check(self) -> None:
        self.site = self.gate.admit(self.request)
        self.address = self.gate.address(self.request)
        if origin := self.request.headers.get("Origin"):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Expose-Headers", "Retry-After")
        super().check()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        # Tornado clears the headers of a failed request; a page must still be able to read the error.
        origin = self.request.headers.get("Origin")
        if origin and hasattr(self, "site"):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Expose-Headers", "Retry-After")
        super().write_error(status_code, **kwargs)

    def options(self, *_: str) -> None:
        self.set_header("Access-Control-Allow-Methods", self.allowed_methods)
        self.set_header("Access-Control-Allow-Headers", "Content-Type")
        self.set_header("Access-Control-Max-Age", "600")
        self.set_status(204)
        self.finish()


class NotFoundHandler(JsonHandler):
    """Whatever has no route."""

    def initialize(self) -> None:  # type: ignore[override]
        pass

    def check(self) -> None:
        raise HTTPError(404, "There is nothing here.")


_SESSION_IN_PATH = re.compile(r"(/sessions?/[0-9a-f]{8})[^/?]*")


def log_access(handler: RequestHandler) -> None:
    """One debug line a request. A session id is shortened: a log is no key ring."""
    path = _SESSION_IN_PATH.sub(r"\1…", handler.request.path)
    milliseconds = round(1000 * handler.request.request_time(), 1)
    log.debug("http", method=handler.request.method, path=path, status=handler.get_status(), ms=milliseconds)
