"""Request lines that are seldom seen: an absolute target, HEAD, a NUL in the path; and what the access log says."""

import msgspec
import pytest

from tests.server.conftest import until
from tests.server.http1.conftest import Rig


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("http://shop.test/echo?a=b", "/echo?a=b"),
        ("HTTPS://shop.test:8443/echo", "/echo"),
        ("http://shop.test", "/"),
        ("http://shop.test?a=b", "/?a=b"),
        ("http://shop.test//echo", "//echo"),
    ],
)
async def test_an_absolute_target_is_its_path(rig: Rig, target: str, uri: str) -> None:
    answer = await rig.ask(f"GET {target} HTTP/1.1\r\nHost: other.test\r\n\r\n".encode())
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["uri"] == uri


@pytest.mark.parametrize("target", ["http://a b/", "http://user@host\x7f/", "http://ho<st/"])
async def test_an_absolute_target_with_a_bad_host_is_400(rig: Rig, target: str) -> None:
    assert (await rig.ask(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())).status == 400


@pytest.mark.parametrize("path", ["/%00", "/echo/%00.txt", "/a%00b?c"])
async def test_a_nul_in_a_path_is_404(rig: Rig, path: str) -> None:
    assert (await rig.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())).status == 404


async def test_a_handler_answers_head_as_get(rig: Rig) -> None:
    rig.go.set()
    answers = [
        await rig.ask(f"{method} /slow HTTP/1.1\r\nHost: x\r\n\r\n".encode(), bodiless=method == "HEAD")
        for method in ("GET", "HEAD")
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[1].headers["Content-Length"] == answers[0].headers["Content-Length"]


async def test_every_answer_is_in_the_access_log_as_it_was_asked_for(rig: Rig) -> None:
    await rig.ask(b"HEAD /echo?x HTTP/1.1\r\nHost: x\r\n\r\n", bodiless=True)
    await rig.ask(b"GET /echo/204 HTTP/1.1\r\nHost: x\r\n\r\n", bodiless=True)
    await until(lambda: len(rig.accesses) == 2, "both are answered")
    assert rig.accesses == [("HEAD", "/echo?x", 200), ("GET", "/echo/204", 204)]
