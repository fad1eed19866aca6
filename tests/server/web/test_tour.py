"""`/`: the tour where the demo is on, a plain page elsewhere; who may press the buttons that break the server."""

from pathlib import Path

import aiohttp
import pytest

from leflux import __version__
from tests.server.owner_kit import OwnerKit, owning

SAME = {"Sec-Fetch-Site": "same-origin"}
ACTIONS = ("/demo/tour/cut", "/demo/tour/restart")


async def get(kit: OwnerKit, path: str = "/", **headers: str) -> tuple[int, str]:
    async with (await kit.http()).get(kit.base + path, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.text()


async def press(kit: OwnerKit, path: str, headers: dict[str, str]) -> int:
    async with (await kit.http()).post(kit.base + path, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("dashboard", [True, False])
async def test_without_the_demo_the_root_is_a_small_page_that_tells_nothing(tmp_path: Path, dashboard: bool) -> None:
    async with owning(tmp_path, demo={"enabled": False}, dashboard={"enabled": dashboard}) as kit:
        status, page = await get(kit)
        assert status == 200
        assert f"LeFlux {__version__}" in page
        assert ("/dashboard/" in page) is dashboard
        assert not [
            word for word in ("shop", "demo", "sqlite", "memory", "127.0.0.1", "script") if word in page.lower()
        ]
        assert len(page) < 1_000
        for action in (*ACTIONS, "/demo/tour/state"):
            assert await press(kit, action, SAME) == 404


async def test_the_tour_is_a_page_and_no_redirect(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        status, page = await get(kit)
        assert status == 200
        assert 'src="/demo/"' in page
        assert page.count("data-step") == 6


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        SAME | {"Host": "rebound.test"},
        SAME | {"X-Forwarded-For": "127.0.0.1"},
        SAME | {"Forwarded": "for=127.0.0.1"},
        SAME | {"X-Real-IP": "127.0.0.1"},
        SAME | {"Via": "1.1 proxy"},
    ],
)
async def test_who_is_not_on_this_machine_breaks_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    async with owning(tmp_path) as kit:
        for action in ACTIONS:
            assert await press(kit, action, headers) == 403
        assert (await get(kit, "/health"))[0] == 200
        if len(headers) > 1:
            del headers["Sec-Fetch-Site"]
            assert (await get(kit, **headers))[1].count("data-blocked") == 2


async def test_while_the_network_is_cut_calls_and_sockets_get_no_answer_and_pages_do(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        assert await press(kit, "/demo/tour/cut", SAME) == 202
        for path in ("/api/session/init", "/api/chat", "/socket.io/?EIO=4&transport=polling"):
            with pytest.raises(aiohttp.ClientError):
                await press(kit, path, {"Origin": kit.base})
        for path in ("/", "/demo/", "/health", "/demo/tour/state"):
            assert (await get(kit, path))[0] == 200


async def test_a_server_that_nobody_starts_again_has_no_button_for_it(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        assert await press(kit, "/demo/tour/restart", SAME) == 404
        assert (await get(kit))[1].count("data-blocked") == 1
