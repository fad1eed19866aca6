"""The format of a lock: pip's requirement lines with hashes, and below each the tags of the wheels they belong to."""

import hashlib
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

HEADER = "# Written by `make lock`; do not edit.\n# inputs: {inputs}\n"
_TAGS = "    # "
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>.+?))? \\")


class Package(Struct):
    """One package: the wheels that may be installed, by their tags (`cp311-cp311-macosx_11_0_arm64`) and hashes."""

    name: str
    version: str
    marker: str | None
    tags: list[str]
    hashes: list[str]

    def lines(self) -> Iterator[str]:
        marker = f" ; {self.marker}" if self.marker else ""
        yield f"{self.name}=={self.version}{marker} \\"
        yield " \\\n".join(f"    --hash=sha256:{value}" for value in self.hashes)
        yield from textwrap.wrap(
            " ".join(self.tags), 120, initial_indent=_TAGS, subsequent_indent=_TAGS, break_on_hyphens=False
        )


class List(Struct):
    """A list of direct requirements, its lock, and the lists whose locks are installed with it."""

    requirements: Path
    lock: Path
    below: "list[List]" = []

    def inputs(self) -> str:
        """The digest of the pins. A comment, a blank line or another order does not change it."""
        pins = [pin for part in [*self.below, self] for pin in part._pins()]
        return hashlib.sha256("\n".join(sorted(pins)).encode()).hexdigest()

    def _pins(self) -> Iterator[str]:
        return _pins_of(self.requirements, {base.requirements.resolve() for base in self.below})


def _pins_of(file: Path, below: set[Path]) -> Iterator[str]:
    """The pins of a list and of those that it names with `-r`, save the lists that have a lock of their own."""
    for line in (line.split("#")[0].strip() for line in file.read_text().splitlines()):
        part = file.parent / line.removeprefix("-r").strip()
        if line.startswith("-r") and part.resolve() not in below:
            yield from _pins_of(part, below)
        elif line and not line.startswith("-"):
            yield line


def lists(root: Path) -> list[List]:
    """The server's list, and the one that the tests need on top of it."""
    server = List(root / "requirements.txt", root / "requirements.lock")
    return [server, List(root / "tests/requirements.txt", root / "tests/requirements.lock", below=[server])]


def render(packages: Iterable[Package], inputs: str) -> str:
    return HEADER.format(inputs=inputs) + "\n".join(line for package in packages for line in package.lines()) + "\n"


def recorded_inputs(text: str) -> str | None:
    found = re.search(r"^# inputs: (\w+)$", text, re.MULTILINE)
    return found[1] if found else None


def parse(text: str) -> list[Package]:
    packages: list[Package] = []
    for line in text.splitlines():
        if found := _REQUIREMENT.fullmatch(line):
            packages.append(Package(found["name"], found["version"], found["marker"], [], []))
        elif "--hash=sha256:" in line:
            packages[-1].hashes.append(line.split(":")[1].removesuffix(" \\"))
        elif line.startswith(_TAGS):
            packages[-1].tags += line.split()[1:]
    return packages
