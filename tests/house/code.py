"""Python modules have a layer, class names are unique, and files, functions and constructors stay short."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.house.files import CODE, files

FILE_LINES, FUNCTION_LINES, CONSTRUCTOR_ARGUMENTS = 300, 40, 7
_GENERATED = "// Generated"


def modules_without_a_layer(root: Path) -> Iterator[str]:
    """Every module below a package of `CODE` belongs to a layer of an exhaustive import-linter contract."""
    layers = _layers(root)
    for package in CODE:
        for path in files(root, ".py", under=(package,)):
            inside = path.relative_to(root / package)
            room = inside.parts[0].removesuffix(".py")
            if room not in layers[package] | {"__init__"}:
                yield f"{path.relative_to(root)}: {package}.{room} is in no layer of pyproject.toml"
            if not (path.parent / "__init__.py").exists():
                yield f"{path.relative_to(root)}: its folder is no package, so import-linter does not see it"


def _layers(root: Path) -> defaultdict[str, set[str]]:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers: defaultdict[str, set[str]] = defaultdict(set)
    for contract in contracts:
        if contract["type"] == "layers" and contract.get("exhaustive"):
            for container in contract["containers"]:
                layers[container] |= {name.strip("() ") for line in contract["layers"] for name in line.split("|")}
    return layers


def class_names_used_twice(root: Path) -> Iterator[str]:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for path, tree in _trees(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{path.relative_to(root)}:{node.lineno}")
    for name, places in homes.items():
        if len(places) > 1:
            yield f"class {name} has {len(places)} homes: {', '.join(places)}"


def too_long(root: Path) -> Iterator[str]:
    """A file, a function or a constructor that is longer than the house allows."""
    for path in files(root, ".py", ".ts", ".tsx", ".mjs", ".lua", under=(*CODE, "tests", "bench")):
        text = path.read_text()
        length = text.count("\n")
        if length > FILE_LINES and not text.startswith(_GENERATED):
            yield f"{path.relative_to(root)}: {length} lines, {FILE_LINES} are allowed"
    for path, tree in _trees(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from (f"{path.relative_to(root)}:{node.lineno}: {finding}" for finding in _too_long(node))


def _too_long(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"{function.name} has {lines} lines, {FUNCTION_LINES} are allowed"
    given = function.args
    count = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs) - 1
    if function.name == "__init__" and count > CONSTRUCTOR_ARGUMENTS:
        yield f"the constructor takes {count} arguments, {CONSTRUCTOR_ARGUMENTS} are allowed"


def _trees(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in files(root, ".py", under=CODE):
        yield path, ast.parse(path.read_text())
