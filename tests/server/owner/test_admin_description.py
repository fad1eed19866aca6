"""`docs/openapi.yaml` against a running server: every call that it describes, made well and made badly."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from leflux.web import admin
from tests.server.conftest import ORIGIN
from tests.server.owner_kit import converse, owning

DESCRIPTION = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
CHECKS += ",negative_data_rejection"
SECONDS = 240
SESSIONS = 4


def with_real_names(folder: Path, kept: list[str], doomed: list[str]) -> Path:
    """The description, narrowed to names that exist: else most calls would end at 404.

    Only `doomed` are deleted, and the rules are changed for a site that nobody visits, lest the others be evicted.
    """
    described = yaml.safe_load(DESCRIPTION.read_text("utf-8"))
    components = described["components"]
    components["parameters"]["SiteId"]["schema"] = {"enum": ["shop"]}
    components["parameters"]["SessionId"]["schema"] = {"enum": kept}
    components["parameters"]["ConversationId"]["schema"] = {"enum": kept}
    components["schemas"]["ChatRequest"]["properties"]["sessionId"] = {"enum": kept}
    for address, path in described["paths"].items():
        for name in ("sessionId", "conversationId"):
            if "delete" in path and f"{{{name}}}" in address:
                path["delete"]["parameters"] = [in_path(name, doomed)]
    described["paths"]["/api/admin/sites/{siteId}/privacy"]["put"]["parameters"] = [in_path("siteId", ["other"])]
    file = folder / "openapi.yaml"
    file.write_text(yaml.safe_dump(described), "utf-8")
    return file


def in_path(name: str, values: list[str]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"enum": values}}


async def schemathesis(description: Path, base: str, *headers: str) -> tuple[int, str]:
    """Exit code and report."""
    options = ["--url", base, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "6"]
    options += ["--seed", "7", "--no-shrink", "--max-failures", "5", "--no-color"]
    for header in headers:
        options += ["--header", header]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(description), *options),
        cwd=description.parent,
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
        visitor, owner = await kit.visitor(), await kit.owner()
        kept, doomed = [[await converse(visitor, "hello") for _ in range(SESSIONS)] for _ in range(2)]
        description = with_real_names(tmp_path, kept, doomed)
        token = owner.headers["Authorization"]
        code, report = await schemathesis(description, kit.base, f"Origin: {ORIGIN}", f"Authorization: {token}")
        assert code == 0, report


async def test_the_description_is_served_and_names_every_call(tmp_path: Path) -> None:
    async with owning(tmp_path) as kit, (await kit.http()).get(f"{kit.base}/openapi.yaml") as answer:
        described = yaml.safe_load(await answer.text())
        assert answer.status == 200
        assert described["openapi"] == "3.1.0"
        paths = [path for path in described["paths"] if path.startswith("/api/admin")]
        assert len(paths) == len(admin.routes(0, None))  # type: ignore[arg-type]
