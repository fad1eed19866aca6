"""The dashboard's documents and assets, and the headers that protect them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.server.conftest import serving

PLAIN, ZIPPED = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(tmp_path, "memory") as base, aiohttp.ClientSession(base) as session:
        yield session


async def test_the_documents_run_only_their_own_files(web: aiohttp.ClientSession) -> None:
    async with web.get("/dashboard", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, "/dashboard/")
    for path, frames in (
        ("/dashboard/", "DENY"),
        ("/dashboard/sites/shop", "DENY"),
        ("/dashboard/preview.html", "SAMEORIGIN"),
    ):
        async with web.get(path, headers=PLAIN) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert (answer.headers["X-Frame-Options"], answer.headers["Cache-Control"]) == (frames, "no-store")
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert (await answer.text()).startswith("<!doctype html>")
        async with web.head(path) as answer:
            assert (answer.status, await answer.read()) == (200, b"")


async def test_an_asset_is_kept_for_good_and_sent_zipped_on_request(web: aiohttp.ClientSession) -> None:
    async with web.get("/dashboard/") as answer:
        names = re.findall(r"/dashboard/assets/([\w.-]+)", await answer.text())
    assert {name.rpartition(".")[2] for name in names} >= {"js", "css"}
    for name in names:
        bodies = []
        for headers, coding in ((PLAIN, None), (ZIPPED, "gzip")):
            async with web.get(f"/dashboard/assets/{name}", headers=headers) as answer:
                assert (answer.status, answer.headers.get("Content-Encoding")) == (200, coding)
                assert "immutable" in answer.headers["Cache-Control"]
                assert answer.headers["Vary"] == "Accept-Encoding"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                bodies.append(await answer.read())
        assert bodies[0] == bodies[1]


@pytest.mark.parametrize("name", ["nothing.js", "", "../index.html", "..%2findex.html", "index.html"])
async def test_a_file_that_is_no_asset_is_not_found(web: aiohttp.ClientSession, name: str) -> None:
    async with web.get(f"/dashboard/assets/{name}") as answer:
        if "/assets/" in answer.url.path:
            assert answer.status == 404
        else:
            assert answer.content_type == "text/html"


async def test_a_dashboard_that_is_switched_off_has_no_pages(tmp_path: Path) -> None:
    async with serving(tmp_path, "memory", dashboard={"enabled": False}) as base, aiohttp.ClientSession(base) as web:
        for path in ("/dashboard", "/dashboard/", "/dashboard/preview.html", "/api/admin/me"):
            async with web.get(path) as answer:
                assert answer.status == 404
