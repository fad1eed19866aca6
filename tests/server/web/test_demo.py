"""The demo shop: only where it is switched on, its forms' log for owners only, and capped."""

from pathlib import Path
from typing import Any

import pytest

from leflux.web.demo import FIELD_CHARS, FIELDS, FORM_CHARS, read_fields
from tests.server.owner_kit import OwnerKit, owning

FORM = "/demo/forms/contact"


async def status(kit: OwnerKit, path: str, **headers: str) -> int:
    async with (await kit.http()).get(kit.base + path, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def submit(kit: OwnerKit, fields: Any, **headers: str) -> int:
    async with (await kit.http()).post(kit.base + FORM, data=fields, headers=headers, allow_redirects=False) as answer:
        return answer.status


@pytest.mark.parametrize("path", ["/demo/", "/demo/contact/", "/demo/assets/shop.css", "/demo/forms/log", "/demo"])
async def test_without_a_word_in_the_configuration_there_is_no_demo(tmp_path: Path, path: str) -> None:
    async with owning(tmp_path, demo={"enabled": False}) as kit:
        assert await status(kit, path) == 404
        assert await submit(kit, {"message": "hello"}) == 404
        owner = await kit.owner()
        assert await status(kit, "/demo/forms/log", **owner.headers) == 404


async def test_what_was_submitted_is_shown_to_a_signed_in_owner_only(tmp_path: Path) -> None:
    server = {"host": "127.0.0.1", "port": 0, "trusted_proxies": ["127.0.0.1"]}
    async with owning(tmp_path, server=server) as kit:
        assert await submit(kit, {"message": "my secret"}) == 303
        for address in ("127.0.0.1", "10.0.0.1"):
            assert await status(kit, "/demo/forms/log", X_Forwarded_For=address) == 401
        of_one_site = await kit.owner("shop", email="one@shop.test")
        assert await status(kit, "/demo/forms/log", **of_one_site.headers) == 403
        owner = await kit.owner()
        async with owner.http.get(f"{kit.base}/demo/forms/log", headers=owner.headers) as answer:
            (entry,) = (await answer.json())["entries"]
        assert (entry["form"], entry["fields"]) == ("contact", {"message": "my secret"})


async def test_a_form_of_another_sites_page_is_refused(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        refused = {"Sec-Fetch-Site": "cross-site"}
        assert await submit(kit, {"message": "hello"}, **refused) == 403
        assert await submit(kit, {"message": "x" * 100_000}) == 413


@pytest.mark.parametrize(
    "arguments",
    [
        {f"{number}" * 50: [b"x"] for number in range(5_000)},
        {"n" * 1_000_000: [b"x"]},
        {"name": [b"x" * 1_000_000]},
        {f"n{number}": [b"x" * 5_000] for number in range(100)},
        {"n": [b"\xff" * 100_000]},
    ],
)
def test_a_submission_is_capped_in_names_values_and_number(arguments: dict[str, list[bytes]]) -> None:
    fields = read_fields(arguments)
    assert len(fields) <= FIELDS
    assert sum(len(name) + len(value) for name, value in fields.items()) <= FORM_CHARS
    assert all(len(value) <= FIELD_CHARS for value in fields.values())


@pytest.mark.parametrize(
    "name", ["..%2f..%2fpages%2findex.html", "%00", "..%2f%0aforged", "none.css", "art", "art%2f..%2fshop.css", ""]
)
async def test_an_asset_is_one_of_the_demos_files_or_not_found(tmp_path: Path, name: str) -> None:
    async with owning(tmp_path) as kit:
        assert await status(kit, f"/demo/assets/{name}") == 404
        assert await status(kit, "/demo/assets/art/mark.svg") == 200


@pytest.mark.parametrize("host", ["127.0.0.1:80", "demo.test", "[::1]:8080"])
async def test_the_pages_scripts_reach_the_visitors_calls_only(tmp_path: Path, host: str) -> None:
    async with (
        owning(tmp_path) as kit,
        (await kit.http()).get(f"{kit.base}/demo/", headers={"Host": host}) as answer,
    ):
        policy = answer.headers["Content-Security-Policy"]
        (reachable,) = [part.split()[1:] for part in policy.split("; ") if part.startswith("connect-src")]
        assert f"http://{host}/api/session/" in reachable
        assert not [source for source in reachable if "/api/admin" in source or source.count("/") < 3]
