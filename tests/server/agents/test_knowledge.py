"""The knowledge agent over the wire: the demo shop is indexed on the first start, and answers with its sources."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hostile_site import hostile_site
from tests.server.conftest import Opened, serving, settings_tree, until

DEMO = {"id": "demo", "name": "Northlight", "allowed_hosts": ["127.0.0.1", "shop.test"], "crawl": "/demo/"}
KNOWLEDGE: dict[str, Any] = {"agent": {"kind": "knowledge"}, "crawler": {"private_hosts": ["127.0.0.1"]}}


async def test_the_demo_is_indexed_on_the_first_start_and_answers(opened: Opened, monkeypatch: Any) -> None:
    monkeypatch.setattr("tests.server.conftest.settings_tree", with_sites([DEMO]))
    monkeypatch.setattr("leflux.agents.knowledge.indexes.CHECK_EVERY", 0.0)
    # No private host is listed: the operator has named a path on this very server.
    visitor = await opened(agent={"kind": "knowledge"})
    session_id = await visitor.init()
    socket = await visitor.socket(session_id)
    await socket.wait("session_joined")
    answers: list[dict[str, Any]] = []

    async def answered() -> bool:
        await socket.say(session_id, "What does shipping cost?")
        answers.append((await socket.wait("message_done", len(answers) + 1))["message"])
        return bool(answers[-1]["data"]["answered"])

    await until(answered, "an answer from the demo's pages", 60)
    message = answers[-1]
    [source, *_] = message["data"]["sources"]
    assert source["url"].split("#")[0].endswith("/demo/shipping.html")
    assert "6.90" in message["text"]
    assert source["url"] not in message["text"]


def with_sites(sites: list[dict[str, Any]]) -> Any:
    def tree(folder: Path, backend: str = "memory", **sections: Any) -> dict[str, Any]:
        return settings_tree(folder, backend, **sections) | {"sites": sites}

    return tree


def config(tmp_path: Path, backend: str = "sqlite") -> str:
    tree = settings_tree(tmp_path, backend, **KNOWLEDGE) | {"sites": [DEMO]}
    file = tmp_path / "leflux.yaml"
    file.write_text(yaml.safe_dump(tree))
    return str(file)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nosite", "http://127.0.0.1/"], 2, "no site 'nosite'"),
        (["demo", "http://evil.test/"], 1, "blocked_url"),
        (["demo", "http://127.0.0.1:9/"], 1, "unreachable"),
        (["demo", "nonsense"], 1, "blocked_url"),
    ],
)
def test_a_crawl_that_cannot_work_says_why(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    done = crawl_command(config(tmp_path), *arguments)
    assert done.returncode == code
    assert said in done.stderr


def test_a_crawl_into_memory_is_refused(tmp_path: Path) -> None:
    done = crawl_command(config(tmp_path, "memory"), "demo", "http://127.0.0.1/")
    assert done.returncode == 2
    assert "serving process" in done.stderr


def crawl_command(file: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "run.py", "--config", file, "crawl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_the_command_crawls_beside_a_running_server(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tests.server.conftest.settings_tree", with_sites([DEMO | {"crawl": None}]))
    async with serving(tmp_path, "sqlite", **KNOWLEDGE), hostile_site() as site:
        site.page("/", "<h1>Beeswax</h1><p>Candles of beeswax burn for forty hours, and smell of honey.</p>")
        command = [sys.executable, "run.py", "--config", config(tmp_path), "crawl", "demo", f"{site.base}/"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
        assert "demo: 1 pages (1 new or changed" in out.decode()
