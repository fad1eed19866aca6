"""Part of `make check`: the locks fit their lists, and every package has a wheel for every supported target.

It reads the repository only: each lock records what it was made from and which wheels there are.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.lock.lockfile import List, Package, lists, parse, recorded_inputs
from tests.lock.targets import Target, fits, supported, supported_minors


def main() -> int:
    found = list(problems(Path()))
    print("\n".join(found) or "The locks are up to date, and have wheels for every supported Python.")
    return 1 if found else 0


def problems(root: Path) -> Iterator[str]:
    targets = supported(supported_minors(root))
    for part in lists(root):
        yield from stale(part)
        yield from missing(parse(part.lock.read_text()), targets)


def stale(part: List) -> Iterator[str]:
    if recorded_inputs(part.lock.read_text()) != part.inputs():
        yield f"{part.lock} was not made from {part.requirements} as it is now: run `make lock`"


def missing(packages: list[Package], targets: list[Target]) -> Iterator[str]:
    for target in targets:
        tags = set(target.tags())
        for package in packages:
            if target.wants(package.marker) and not any(fits(wheel, tags) for wheel in package.tags):
                yield f"{package.name} {package.version} has no wheel for {target}"


if __name__ == "__main__":
    sys.exit(main())
