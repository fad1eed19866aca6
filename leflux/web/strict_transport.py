"""Strict-Transport-Security on every answer of the application that travels over TLS."""

from collections.abc import Callable

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

YEAR = "max-age=31536000"


def strict_transport(is_secure: Callable[[HTTPServerRequest], bool]) -> type[OutputTransform]:
    """An output transform. `is_secure(request)`: whether the browser's own connection is encrypted."""

    class StrictTransport(OutputTransform):
        def __init__(self, request: HTTPServerRequest) -> None:
            self._is_secure = is_secure(request)

        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            if self._is_secure:
                headers["Strict-Transport-Security"] = YEAR
            return status_code, headers, chunk

    return StrictTransport
