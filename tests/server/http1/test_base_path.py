"""docs/operations.md: with `server.base_path`, handlers see paths without it, and any other path is 404."""

import pytest
from tornado.httputil import RequestStartLine

from leflux.http1.reader import below
from leflux.http1.rejection import RequestRejected


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/chat/embed.js?v=1", "/embed.js?v=1"),
        ("/chat/", "/"),
        ("/chat", "/"),
        ("/chat?x=/chat/", "/?x=/chat/"),
        ("/chat/chat/", "/chat/"),
        ("/chat//x", "//x"),
    ],
)
def test_a_path_below_the_base_path_loses_it(asked: str, seen: str) -> None:
    assert below(RequestStartLine("GET", asked, "HTTP/1.1"), "/chat").path == seen


@pytest.mark.parametrize("asked", ["/", "/embed.js", "/chatter", "/x/chat/", "/?/chat/", "/Chat/", "//chat/", "*"])
def test_any_other_path_is_not_found(asked: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        below(RequestStartLine("GET", asked, "HTTP/1.1"), "/chat")
    assert (rejected.value.status, rejected.value.code) == (404, "not_found")
