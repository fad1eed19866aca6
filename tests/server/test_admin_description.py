"""`docs/openapi.yaml` against a running server: every call that it describes, made well and made badly."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
import yaml

from leflux.web import admin
from tests.server.conftest import ORIGIN
from tests.server.owner import converse, owning

DESCRIPTION = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.yaml"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SECONDS = 90


async def schemathesis(folder: Path, base: str, *headers: str) -> tuple[int, str]:
    """Exit code and report."""
    options = ["--url", base, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "6"]
    options += ["--seed", "7", "--no-shrink", "--max-failures", "5", "--no-color"]
    for header in headers:
        options += ["--header", header]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(DESCRIPTION), *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"SCHEMATHESIS_REPORT": "false", "PYTHONWARNINGS": "ignore"},
    )
    try:
        async with asyncio.timeout(SECONDS):
            report, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.fail(f"schemathesis took longer than {SECONDS} s")
    assert process.returncode is not None
    return process.returncode, report.decode()


async def test_every_call_answers_as_it_is_described(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit:
        await converse(await kit.visitor(), "hello")
        owner = await kit.owner()
        code, report = await schemathesis(
            tmp_path, kit.base, f"Origin: {ORIGIN}", f"Authorization: {owner.headers['Authorization']}"
        )
        assert code == 0, report


async def test_the_description_is_served_and_names_every_call(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit, (await kit.http()).get(f"{kit.base}/openapi.yaml") as answer:
        described = yaml.safe_load(await answer.text())
        assert answer.status == 200
        assert described["openapi"] == "3.1.0"
        paths = [path for path in described["paths"] if path.startswith("/api/admin")]
        assert len(paths) == len(admin.routes(0, None))  # type: ignore[arg-type]
