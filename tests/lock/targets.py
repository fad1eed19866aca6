"""Where LeFlux must install from wheels alone: each supported Python on each supported platform."""

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, parse_tag

_CLASSIFIER = "Programming Language :: Python :: 3."
_OLDEST_GLIBC, _NEWEST_GLIBC, _MACOS = 5, 36, (14, 0)


class Platform(Struct, frozen=True):
    system: str
    machine: str
    tags: list[str]


class Target(Struct, frozen=True):
    """One Python (3.`minor`) on one platform."""

    minor: int
    platform: Platform

    def __str__(self) -> str:
        return f"Python 3.{self.minor} on {self.platform.system} {self.platform.machine}"

    def tags(self) -> Iterator[Tag]:
        """The tags of all wheels that it can install."""
        python, name = (3, self.minor), f"cp3{self.minor}"
        yield from cpython_tags(python, [name], self.platform.tags)
        yield from compatible_tags(python, name, self.platform.tags)

    def wants(self, marker: str | None) -> bool:
        """Whether a package with this marker is installed there."""
        return marker is None or Marker(marker).evaluate(
            {
                "python_version": f"3.{self.minor}",
                "python_full_version": f"3.{self.minor}.0",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "os_name": "posix",
                "sys_platform": self.platform.system,
                "platform_system": self.platform.system.capitalize(),
                "platform_machine": self.platform.machine,
            }
        )


def _linux(machine: str) -> Platform:
    older = {"x86_64": ["manylinux1", "manylinux2010"]}.get(machine, [])
    newer = [f"manylinux_2_{minor}" for minor in range(_OLDEST_GLIBC, _NEWEST_GLIBC + 1)]
    return Platform("linux", machine, [f"{tag}_{machine}" for tag in [*older, "manylinux2014", *newer]])


def _musl(machine: str) -> Platform:
    return Platform("linux", machine, [f"musllinux_1_{minor}_{machine}" for minor in range(1, 3)])


def _macos(machine: str) -> Platform:
    return Platform("darwin", machine, list(mac_platforms(_MACOS, machine)))


_SUPPORTED = [_linux("x86_64"), _linux("aarch64"), _macos("arm64")]
_KEPT = [*_SUPPORTED, _macos("x86_64"), _musl("x86_64"), _musl("aarch64")]


def supported_minors(root: Path) -> list[int]:
    """The Pythons (3.x) that pyproject.toml promises in its classifiers."""
    classifiers = tomllib.loads((root / "pyproject.toml").read_text())["project"]["classifiers"]
    return [int(line.removeprefix(_CLASSIFIER)) for line in classifiers if line.startswith(_CLASSIFIER)]


def supported(minors: Iterable[int]) -> list[Target]:
    return [Target(minor, platform) for minor in minors for platform in _SUPPORTED]


def kept(minors: list[int]) -> list[Target]:
    """The targets whose wheels a lock keeps: more platforms and one Python more, so that they can be tried."""
    return [Target(minor, platform) for minor in [*minors, max(minors) + 1] for platform in _KEPT]


def fits(wheel: str, tags: set[Tag]) -> bool:
    """Whether a wheel, given by the tag in its file name, is for a target with these tags."""
    return not tags.isdisjoint(parse_tag(wheel))
