"""The agent is served in the language that the loader asks for."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from leflux.web.pages import ScriptHandler, TypesHandler, agent_scripts


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[str]:
    """The address of an agent in English, German and Arabic."""
    (tmp_path / "leflux-agent.js").write_text("'en'")
    for language in ("de", "ar"):
        (tmp_path / f"leflux-agent.{language}.js").write_text(f"'{language}'")
    socket, port = bind_unused_port()
    server = HTTPServer(Application([(r"/leflux-agent\.js", ScriptHandler, {"scripts": agent_scripts(tmp_path)})]))
    server.add_socket(socket)
    yield f"http://127.0.0.1:{port}/leflux-agent.js"
    server.stop()
    await server.close_all_connections()


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("", "en"),
        ("?v=1", "en"),
        ("?v=1&l=de", "de"),
        ("?l=ar", "ar"),
        ("?l=xx", "en"),
        ("?l=", "en"),
        ("?l=../../secret", "en"),
        ("?l=de&l=ar", "ar"),
    ],
)
async def test_an_unknown_language_is_english(agent: str, query: str, language: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(agent + query) as response:
        assert response.status == 200
        assert await response.text() == f"'{language}'"
        assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert ("immutable" in response.headers["Cache-Control"]) == ("v=" in query)


async def test_languages_have_etags_of_their_own(agent: str) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{agent}?l=de") as response:
            etag = response.headers["Etag"]
        async with http.get(f"{agent}?l=de", headers={"If-None-Match": etag}) as response:
            assert response.status == 304
        async with http.get(f"{agent}?l=ar", headers={"If-None-Match": etag}) as response:
            assert response.status == 200


def test_a_widget_that_was_not_built_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        agent_scripts(tmp_path)


async def test_the_types_are_served_and_no_other_source_is(tmp_path: Path) -> None:
    (tmp_path / "leflux.d.ts").write_text("export {};")
    (tmp_path / "build.mjs").write_text("secret")
    socket, port = bind_unused_port()
    server = HTTPServer(Application([(r"/(leflux\.d\.ts)", TypesHandler, {"path": str(tmp_path)})]))
    server.add_socket(socket)
    base = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{base}/leflux.d.ts") as response:
                assert (response.status, await response.text()) == (200, "export {};")
                assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            async with http.get(f"{base}/build.mjs") as response:
                assert response.status == 404
    finally:
        server.stop()
        await server.close_all_connections()
