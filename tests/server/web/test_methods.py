"""HEAD is answered as GET, and a method that is not there is 405 with what is."""

import pytest

from tests.server.conftest import Visitor

PATHS = ["/health", "/embed.js", "/metrics", "/openapi.yaml", "/api/stats"]


@pytest.fixture
def backend() -> str:
    return "memory"


@pytest.mark.parametrize("path", ["/", *PATHS])
async def test_head_is_answered_as_get_without_a_body(visitor: Visitor, path: str) -> None:
    url = visitor.base + path
    async with visitor.http.get(url, allow_redirects=False) as get, visitor.http.head(url) as head:
        assert head.status == get.status
        assert head.headers.get("Content-Type") == get.headers.get("Content-Type")
        assert await head.read() == b""


@pytest.mark.parametrize("path", PATHS)
async def test_a_method_that_is_not_there_is_405_with_what_is(visitor: Visitor, path: str) -> None:
    async with visitor.http.delete(visitor.base + path) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD"
