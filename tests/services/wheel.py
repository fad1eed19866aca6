"""Builds the wheel from the files of the repository, without the network."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.services.server import ROOT

BUILT = ("leflux/widget/dist", "leflux/dashboard/dist")


def build_wheel(folder: Path) -> Path:
    """Build from a copy of what git knows and of the built bundles, so that nothing is left in the repository."""
    source = folder / "source"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if name.startswith(("leflux/", "backends/", "requirements", "README", "LICENSE", "pyproject", "docs/openapi")):
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    for name in BUILT:
        shutil.copytree(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def unpack(wheel: Path, folder: Path) -> Path:
    """Unpack as an installation would, beside no other file of the repository."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder
