"""The files of the repository, without what is built or installed."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("leflux", "backends")
_SKIPPED = {".git", ".venv", "node_modules", "dist", "build", "coverage", "__pycache__", "data", "images"}


def files(root: Path, *suffixes: str, under: tuple[str, ...] = (".",)) -> Iterator[Path]:
    """Every file with one of `suffixes` in the folders `under` the root, sorted within a folder."""
    for start in under:
        for folder, folders, names in os.walk(root / start):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(suffixes))


def sources(module: Path) -> list[Path]:
    """The Python files of a module, which may be one file or a package."""
    return [module.with_suffix(".py")] if module.with_suffix(".py").exists() else sorted(module.glob("*.py"))
