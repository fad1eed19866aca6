"""A store of another package, as docs/your-own-store.md explains it: installed from wheels, chosen by YAML, proven.

LeFlux comes from its wheel here, and the drivers of the shipped stores cannot be imported.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.services import free_port
from tests.services.server import ROOT
from tests.services.wait import until
from tests.services.wheel import build_wheel, unpack

PACKAGE = Path(__file__).with_name("example_package")
DRIVERS = ("psycopg", "google", "grpc")
LEFLUX = (sys.executable, "-c", "import sys; from leflux.commands.cli import main; sys.exit(main())")
SUITE = ("-m", "pytest", "--pyargs", "leflux.contract", "-q", "-p", "no:cacheprovider", "-m", "not soak")
CONFIG = """
server: {{host: 127.0.0.1, port: {port}}}
storage:
  backend: ledger
  ledger: {{path: data/ledger}}
agent: {{kind: echo}}
sites: [{{id: demo, name: Demo, allowed_hosts: [localhost]}}]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Python finds LeFlux and the example in their wheels only."""
    folder = tmp_path_factory.mktemp("example")
    place = unpack(build_wheel(folder), folder / "installed")
    shutil.copytree(PACKAGE, folder / "example")
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    subprocess.run([*build, "--wheel-dir", str(folder / "made"), str(folder / "example")], check=True)
    (wheel,) = (folder / "made").glob("*.whl")
    unpack(wheel, place)
    absent = folder / "absent"
    for driver in DRIVERS:
        (absent / driver).mkdir(parents=True)
        (absent / driver / "__init__.py").write_text(f"raise ModuleNotFoundError('{driver} is not here')\n")
    return os.environ | {"PYTHONPATH": f"{absent}{os.pathsep}{place}"}


def run(environment: dict[str, str], folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


async def test_yaml_alone_chooses_the_store_and_the_server_uses_it(tmp_path: Path, installed: dict[str, str]) -> None:
    port = free_port()
    (tmp_path / "leflux.yaml").write_text(CONFIG.format(port=port))
    checked = run(installed, tmp_path, *LEFLUX, "check")
    assert checked.returncode == 0, checked.stderr
    with (tmp_path / "said").open("wb") as said:
        server = await asyncio.create_subprocess_exec(
            *LEFLUX, "serve", cwd=tmp_path, env=installed, stdout=said, stderr=said
        )
    try:
        headers = {"Origin": "http://localhost"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as http:
            await until(lambda: _is_ready(http, server), "the server is ready")
            async with http.post("/api/session/init", json={"websiteUrl": "http://localhost/"}) as answer:
                assert answer.status == 200
    finally:
        server.terminate()
        await server.wait()
    assert (tmp_path / "data" / "ledger").is_file()


async def _is_ready(http: aiohttp.ClientSession, server: asyncio.subprocess.Process) -> bool:
    assert server.returncode is None
    try:
        async with http.get("/ready") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def test_a_foreign_key_in_the_stores_section_is_refused_with_its_line(
    tmp_path: Path, installed: dict[str, str]
) -> None:
    text = CONFIG.format(port=8080).replace("path:", "paht:")
    (tmp_path / "leflux.yaml").write_text(text)
    checked = run(installed, tmp_path, *LEFLUX, "check")
    assert checked.returncode == 2
    assert "unknown key `paht`; did you mean `path`?" in checked.stderr
    assert "`$.storage.ledger.paht`" in checked.stderr


@pytest.mark.timeout(900)
def test_the_suite_runs_on_it_and_passes(tmp_path: Path, installed: dict[str, str]) -> None:
    done = run(installed, tmp_path, sys.executable, *SUITE, "--store", "ledger_store.testing:LedgerHarness")
    assert done.returncode == 0, done.stdout[-4_000:]
    assert " passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "leflux.contract needs a store"),
        (("--store", "ledger_store.testing:Nothing"), "has no attribute 'Nothing'"),
        (("--store", "ledger_store.nowhere:Harness"), "No module named 'ledger_store.nowhere'"),
        (("--store", "ledger_store:STORE"), "expected a class that inherits from StoreHarness"),
    ],
)
def test_a_store_that_the_suite_cannot_find_is_told(
    tmp_path: Path, installed: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = run(installed, tmp_path, sys.executable, *SUITE, *arguments)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def test_the_guide_shows_the_example_as_it_is() -> None:
    guide = (ROOT / "docs" / "your-own-store.md").read_text()
    for name in ("pyproject.toml", "ledger_store/__init__.py", "ledger_store/testing.py"):
        assert (PACKAGE / name).read_text().strip() in guide, name
