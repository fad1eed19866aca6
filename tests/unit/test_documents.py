"""Every command of every document is run here, or is listed with what runs it, or why nothing does."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.house.commands import commands, found
from tests.services.server import ROOT

SHOWN = found(ROOT)
OURS = re.compile(r"(?:sudo )?(?:[\w./-]*bin/)?leflux |\.venv/bin/python run\.py |python run\.py ")
PYTEST = ".venv/bin/python -m pytest "
ANSWERS = ["--public-url", "https://chat.example.com", "--host", "a.test", "--store", "sqlite", "--email", "me@a.test"]
RUN = (sys.executable, "-c", "import sys; from leflux.commands.cli import main; sys.exit(main())")
LONG = {"serve", "crawl"}
SYSTEM = "changes the system; the unit is checked by tests/server/runtime/test_deploy.py"
NOT_RUN = {
    r"make (run|setup|test|check)\b": "how these tests themselves are started",
    r"PATH=.* npm --prefix leflux/widget test": "a part of `make test`",
    r".*\bpip install leflux-.*\.whl": "asks the package index; tests/server/runtime/test_wheel.py serves",
    r"(sudo )?python3 -m venv ": "how the environment of these tests is made",
    r"(sudo )?caddy reverse-proxy ": "asks a public authority for a certificate",
    r"sudo (apt-get|mkdir|cp|systemctl|journalctl) ": SYSTEM,
    r"cd /etc/leflux": SYSTEM,
    r"pip install leflux pytest|pytest --pyargs ": "tests/contract_kit/test_example_package.py does it",
    r"(leflux|\.venv/bin/python run\.py) serve$": "tests/server/runtime/test_wheel.py serves",
    r"python run\.py crawl ": "tests/server/agents/test_knowledge.py crawls a site of its own",
}


def ours() -> list[str]:
    return [command for command in SHOWN if OURS.match(command) and not listed(command)]


def listed(command: str) -> bool:
    return any(re.match(pattern, command) for pattern in NOT_RUN)


def test_every_command_is_run_or_listed_with_its_reason() -> None:
    left = [command for command in SHOWN if not listed(command) and command not in ours() and PYTEST not in command]
    assert left == [], "run these in a test, or say in NOT_RUN why not"
    unused = [pattern for pattern in NOT_RUN if not any(re.match(pattern, command) for command in SHOWN)]
    assert unused == []


def test_the_commands_of_the_product_do_what_the_documents_say(tmp_path: Path) -> None:
    """In one folder, as a reader would: first `init`, then what needs its file, then the service."""
    assert ours()
    called = [shlex.split(OURS.sub("", command, count=1)) for command in ours()]
    first = [words for words in called if words[0] == "init"]
    for number, words in enumerate([*first, *(words for words in called if words[0] != "init")]):
        if words[0] == "init":
            (tmp_path / "leflux.yaml").unlink(missing_ok=True)
            words = words if "--host" in words else [*words, *ANSWERS]
        if number == len(first):
            prepare(tmp_path)
        done = subprocess.run([*RUN, *words], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (words, done.stdout, done.stderr)


ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


def prepare(folder: Path) -> None:
    """A store, as a server that has run leaves it."""
    done = subprocess.run([*RUN, "accounts"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_tests_that_the_documents_name_exist() -> None:
    named = [word for command in SHOWN for word in shlex.split(command) if word.startswith("tests/")]
    assert named
    assert [word for word in named if not (ROOT / word).exists()] == []


def test_only_shell_blocks_hold_commands() -> None:
    text = "```html\nmake me\n```\n\n```\nmake run   # now\nsays this\n```\n\n```sh\nsudo leflux check\n```\nmake no\n"
    assert list(commands(text)) == ["make run", "sudo leflux check"]
