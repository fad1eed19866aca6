"""The wheel holds everything that serving reads: it serves from a folder where nothing else of the repository is."""

import asyncio
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import aiohttp
import pytest

from tests.services import free_port
from tests.services.server import ROOT
from tests.services.wait import until
from tests.services.wheel import build_wheel, unpack

RUN = (sys.executable, "-c", "import sys; from leflux.commands.cli import main; sys.exit(main())")
INIT = ("init", "--host", "localhost", "--store", "sqlite", "--email", "me@a.test")
SERVED = ("/embed.js", "/leflux-agent.js", "/leflux.d.ts", "/openapi.yaml", "/dashboard/", "/metrics", "/")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Python finds LeFlux in the unpacked wheel only."""
    folder = tmp_path_factory.mktemp("wheel")
    return os.environ | {"PYTHONPATH": str(unpack(build_wheel(folder), folder / "installed"))}


def run(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


async def test_the_wheel_alone_makes_a_configuration_and_serves_everything(
    tmp_path: Path, installed: dict[str, str]
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    made = run(installed, tmp_path, *INIT, "--public-url", f"http://localhost:{port}")
    assert made.returncode == 0, made.stderr
    with (tmp_path / "said").open("wb") as said:
        server = await asyncio.create_subprocess_exec(
            *RUN, "serve", "--port", str(port), cwd=tmp_path, env=installed, stdout=said, stderr=said
        )
    try:
        async with aiohttp.ClientSession(base, headers={"Origin": "http://localhost"}) as http:
            await until(lambda: is_ready(http, server), "the wheel serves")
            for path in SERVED:
                async with http.get(path) as answer:
                    assert answer.status == 200, path
                    assert await answer.read()
            website = {"websiteUrl": "http://localhost/"}
            async with http.post("/api/session/init", json=website) as answer:
                assert (await answer.json())["seq"] == 0
    finally:
        server.terminate()
        await server.wait()
    assert server.returncode == 0
    assert (tmp_path / "data" / "leflux.db").is_file()


async def is_ready(http: aiohttp.ClientSession, server: asyncio.subprocess.Process) -> bool:
    assert server.returncode is None
    try:
        async with http.get("/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def test_without_a_configuration_the_wheel_says_how_to_get_one(tmp_path: Path, installed: dict[str, str]) -> None:
    told = run(installed, tmp_path, "serve")
    assert told.returncode == 2
    assert told.stderr == "There is no leflux.yaml here; write one with `leflux init`, or name one with --config.\n"


def test_what_few_servers_need_is_an_extra_and_the_lists_of_the_repository_name_all() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["dynamic"]
    extras = {name: part["file"] for name, part in project["optional-dependencies"].items()}
    assert extras.keys() == {"firestore", "openai", "postgres"}
    everything = (ROOT / "requirements.txt").read_text()
    for file in (project["dependencies"]["file"], *extras.values()):
        assert f"-r {file}\n" in everything
    assert "nodejs" not in (ROOT / project["dependencies"]["file"]).read_text()
