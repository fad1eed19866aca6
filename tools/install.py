"""`python -m tools.install LOCK [LOCK …]`: installs locked packages with pip, and says how far it is."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_PACKAGE = re.compile(r"^[\w.-]+==", re.MULTILINE)
_FOUND = re.compile(r"^(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
STEP = 10
"""Packages between two lines of progress, where the output is no terminal."""


def main(locks: list[str]) -> int:
    """Returns pip's exit code. What pip says is shown when it has failed."""
    total = sum(len(_PACKAGE.findall(Path(lock).read_text("utf-8"))) for lock in locks)
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-color"]
    command += ["--progress-bar=off", "--require-hashes", *(part for lock in locks for part in ("-r", lock))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603
        assert pip.stdout is not None
        said: list[str] = []
        for text in progress(_kept(pip.stdout, said), total, sys.stdout.isatty()):
            sys.stdout.write(text)
            sys.stdout.flush()
    if pip.returncode:
        sys.stderr.write("".join(said[-40:]))
    return pip.returncode


def _kept(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    for line in lines:
        said.append(line)
        yield line


def progress(lines: Iterable[str], total: int, is_terminal: bool) -> Iterator[str]:
    """What to show for pip's output: on a terminal one line that changes, elsewhere a line now and then."""
    names: set[str] = set()
    for line in lines:
        if (found := _FOUND.match(line)) and found[1] not in names:
            names.add(found[1])
            if is_terminal:
                yield f"\r\033[K     {len(names)} of {total} packages: {found[1]}"
            elif len(names) % STEP == 0:
                yield f"     {len(names)} of {total} packages\n"
        elif line.startswith("Installing collected packages"):
            yield "\r\033[K     unpacking" if is_terminal else "     unpacking\n"
    if is_terminal:
        yield "\r\033[K"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
