"""The files of `deploy/`: the service unit, the container's steps, and the compose file."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from leflux.commands.cli import parse
from tests.services import absent
from tests.services.server import ROOT

DEPLOY = ROOT / "deploy"
MOST_EXPOSED = 2.0
"""Of 10; systemd calls everything below 2 "safe" or "OK"."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists on this machine."""
    if shutil.which("systemd-analyze") is None:
        absent("systemd-analyze")
    text = (DEPLOY / "leflux.service").read_text()
    file = tmp_path / "leflux.service"
    file.write_text(text.replace("/opt/leflux/bin/leflux", "/bin/true"))
    return file


def analyse(*arguments: str) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    assert analyse("verify", "--man=no", str(unit)) == ""


def test_the_unit_leaves_little_to_attack(unit: Path) -> None:
    said = analyse("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"Overall exposure level for leflux\.service: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= MOST_EXPOSED


def test_the_unit_calls_commands_that_exist_and_leaves_time_to_drain() -> None:
    unit = dict(
        line.split("=", 1) for line in (DEPLOY / "leflux.service").read_text().splitlines() if re.match(r"\w+=", line)
    )
    commands = [parse(shlex.split(unit[key])[1:]).command for key in ("ExecStartPre", "ExecStart")]
    assert commands == ["check", "serve"]
    assert int(unit["TimeoutStopSec"].removesuffix("s")) > 15
    assert unit["RestartPreventExitStatus"].split() == ["2", "3"]


def steps() -> list[tuple[str, str]]:
    """The instructions of the Containerfile, with their continued lines."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_follows_the_rules_that_a_linter_has() -> None:
    found = steps()
    words = [word for word, _ in found]
    assert words[0] == "FROM"
    image = found[0][1]
    assert not image.endswith(":latest")
    assert ":" in image.rpartition("/")[2]
    assert "ADD" not in words
    assert words.count("ENTRYPOINT") == words.count("CMD") == words.count("HEALTHCHECK") == 1
    for word, rest in found:
        if word in ("ENTRYPOINT", "CMD"):
            assert rest.startswith("["), "without a shell, so that the process gets the signals"
        if word == "RUN" and "apt-get install" in rest:
            assert "--no-install-recommends" in rest
            assert "--yes" in rest
            assert (
                rest.index("apt-get update") < rest.index("apt-get install") < rest.index("rm -rf /var/lib/apt/lists")
            )
        if word == "RUN" and "pip install" in rest:
            assert "--no-cache-dir" in rest
        assert "sudo" not in rest
    users = [rest for word, rest in found if word == "USER"]
    assert users
    assert users[-1] not in ("root", "0")
    assert words.index("USER") < words.index("ENTRYPOINT")
    (run,) = (yaml.safe_load(rest) for word, rest in found if word == "ENTRYPOINT")
    (default,) = (yaml.safe_load(rest) for word, rest in found if word == "CMD")
    assert parse([*run, *default][1:]).command == "serve"


def test_the_shell_of_every_container_step_is_valid() -> None:
    for word, rest in steps():
        if word == "RUN":
            subprocess.run(["sh", "-n", "-c", rest], check=True)


def test_the_compose_file_wires_server_store_and_tls_and_keeps_what_it_stores() -> None:
    tree: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = tree["services"]
    assert services.keys() == {"caddy", "leflux", "redis"}
    assert "ports" not in services["leflux"]
    assert "ports" not in services["redis"]
    redis = services["redis"]["command"]
    for option, value in (("--appendonly", "yes"), ("--maxmemory-policy", "noeviction"), ("--appendfsync", "always")):
        assert redis[redis.index(option) + 1] == value
    named = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {name for name in named if not name.startswith(".")} == tree["volumes"].keys()
    assert (DEPLOY / services["leflux"]["build"]["context"] / services["leflux"]["build"]["dockerfile"]).is_file()
    assert not [service["image"] for service in services.values() if service.get("image", ":").endswith(":latest")]
