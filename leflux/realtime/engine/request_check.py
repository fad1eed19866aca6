"""What every request for the sockets has to be, whatever its connection."""

from collections.abc import Mapping

from tornado.httputil import HTTPHeaders

from leflux.realtime.engine.server import refuse

METHODS = "GET, POST, OPTIONS"


def check(method: str, is_head: bool, query: Mapping[str, str], headers: HTTPHeaders, max_frame: int) -> None:
    """Raise `Refusal` for a request that no client of the protocol sends."""
    if method == "OPTIONS":
        return
    if method not in ("GET", "POST") or is_head:
        raise refuse(405, "method_not_allowed", "Only GET, POST and OPTIONS.", {"Allow": METHODS})
    _check_query(method, query)
    if int(headers.get("Content-Length", "0")) > max_frame:
        raise refuse(413, "payload_too_large", "The body is too large.")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise refuse(415, "unsupported_media_type", "A compressed body is not accepted.")


def _check_query(method: str, query: Mapping[str, str]) -> None:
    if query.get("EIO") != "4":
        raise refuse(400, "invalid_request", "Only version 4 of the protocol is spoken.")
    if query.get("transport") not in ("polling", "websocket"):
        raise refuse(400, "invalid_request", "The transport is polling or websocket.")
    if "j" in query:
        raise refuse(400, "invalid_request", "JSONP is not supported.")
    if method == "POST" and query["transport"] != "polling":
        raise refuse(400, "invalid_request", "Only long polling has POST.")
