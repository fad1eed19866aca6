"""The commands that the documents show: the lines of their shell blocks."""

import re
from collections.abc import Iterator
from pathlib import Path

_PROGRAM = re.compile(
    r"(?:PATH=\S+ |sudo )*(?:make|leflux|python3?|pip|caddy|npm|sqlite3|redis-cli|systemctl|journalctl|cp|cd|mkdir|"
    r"apt-get|[\w./-]*bin/\w+)(?: |$)"
)


def documents(root: Path) -> Iterator[Path]:
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"):
        yield root / name
    yield from sorted((root / "docs").glob("*.md"))


def commands(text: str) -> Iterator[str]:
    """Each command of a document, without its comment."""
    language: str | None = None
    for line in text.splitlines():
        if line.startswith("```"):
            language = line[3:].strip() if language is None else None
        elif language in ("", "sh") and _PROGRAM.match(line):
            yield re.split(r"\s{2,}#", line)[0].strip()


def found(root: Path) -> dict[str, list[str]]:
    """The documents that show each command."""
    shown: dict[str, list[str]] = {}
    for file in documents(root):
        for command in commands(file.read_text("utf-8")):
            shown.setdefault(command, []).append(file.name)
    return shown
