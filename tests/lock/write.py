"""`make lock`: resolve all packages for every supported Python and platform, and write the locks.

uv resolves, since it does so for all targets at once. The locks keep wheels only: what has none cannot be installed.
"""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.tags import Tag

from tests.lock.lockfile import List, Package, lists, parse, render
from tests.lock.targets import fits, kept, supported, supported_minors

UV = "uv==0.13.9"
_ROOT = Path()
_FOLDER = Path("build/lock")


def main() -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(_FOLDER / "uv"), UV]
    subprocess.run(pip, check=True)
    minors = supported_minors(_ROOT)
    targets = supported(minors)
    tags = {tag for target in kept(minors) for tag in target.tags()}
    for part in lists(_ROOT):
        known = {package.name for base in part.below for package in parse(base.lock.read_text())}
        packages = [package_of(entry, tags) for entry in resolve(part, min(minors)) if entry["name"] not in known]
        needed = [package for package in packages if any(target.wants(package.marker) for target in targets)]
        part.lock.write_text(render(needed, part.inputs()))
        print(f"{part.lock}: {len(needed)} packages")


def resolve(part: List, oldest: int) -> list[dict[str, Any]]:
    """The packages of a list in the standard lock format (PEP 751), as uv resolves them."""
    output = _FOLDER / "pylock.toml"
    output.unlink(missing_ok=True)
    uv = [str(_FOLDER / "uv/bin/uv"), "pip", "compile", "--quiet", "--universal", "--python-version", f"3.{oldest}"]
    constraints = [word for base in part.below for word in ("--constraint", str(base.lock))]
    subprocess.run(
        [*uv, *constraints, "--format", "pylock.toml", "-o", str(output), str(part.requirements)], check=True
    )
    packages: list[dict[str, Any]] = tomllib.loads(output.read_text())["packages"]
    return packages


def package_of(entry: dict[str, Any], tags: set[Tag]) -> Package:
    """The package with those of its wheels that have one of these tags."""
    wheels = {tag_of(wheel["url"]): wheel["hashes"]["sha256"] for wheel in entry.get("wheels", [])}
    chosen = [wheel for wheel in wheels if fits(wheel, tags)]
    return Package(entry["name"], entry["version"], entry.get("marker"), chosen, [wheels[each] for each in chosen])


def tag_of(address: str) -> str:
    return "-".join(address.rsplit("/", 1)[-1].removesuffix(".whl").split("-")[-3:])


if __name__ == "__main__":
    main()
