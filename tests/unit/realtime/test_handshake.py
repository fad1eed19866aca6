"""Which requests open a WebSocket (RFC 6455, 4.2.1)."""

import pytest
from tornado.httputil import HTTPHeaders

from leflux.realtime.engine.handshake import accept
from leflux.realtime.engine.server import Refusal

GOOD = {
    "Upgrade": "WebSocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_the_answer_to_the_example_of_the_rfc() -> None:
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in accept("HTTP/1.1", HTTPHeaders(GOOD))
    offered = HTTPHeaders(GOOD | {"Sec-WebSocket-Protocol": "one, two"})
    assert b"Sec-WebSocket-Protocol: one\r\n" in accept("HTTP/1.1", offered)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Upgrade": "h2c"}, 426),
        ({"Connection": "close"}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": ""}, 400),
        ({"Sec-WebSocket-Key": "not base64 at all, 24 ch"}, 400),
        ({"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAAAA"}, 400),
        ({"Content-Length": "3"}, 400),
        ({"Transfer-Encoding": "chunked"}, 400),
    ],
)
def test_any_other_request_is_refused_with_what_it_lacks(changes: dict[str, str], status: int) -> None:
    with pytest.raises(Refusal) as refused:
        accept("HTTP/1.1", HTTPHeaders(GOOD | changes))
    assert (refused.value.status, refused.value.headers["Sec-WebSocket-Version"]) == (status, "13")


def test_http_1_0_opens_no_websocket() -> None:
    with pytest.raises(Refusal):
        accept("HTTP/1.0", HTTPHeaders(GOOD))
