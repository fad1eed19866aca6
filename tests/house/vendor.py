"""Vendor code is used as published: no script edits the text of an installed package."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.files import files

_PACKAGE = re.compile(r"node_modules|require\.resolve|import\.meta\.resolve|site-packages")
_NAMED = re.compile(r"(?:const|let|var)\s+\{?\s*([\w, ]+?)\s*\}?\s*=([^;]*)")
_READ = re.compile(r"(?:readFile(?:Sync)?|read_text|open|createReadStream|cat)\(?\s*([^;\n]*)")
_LOADER = re.compile(r"onLoad\(\s*\{(?![^}]*namespace)")
_EDIT = re.compile(r"\.replace(?:All)?\(|\.split\(|\.slice\(|\.substring\(|\.sub\(|MagicString|\.overwrite\(")
_SHELL_EDIT = re.compile(r"\b(?:sed|perl|patch|ed)\b[^\n]*node_modules|node_modules[^\n]*\b(?:sed -i|patch)\b")
_TOOLS = ("patch-package", "patchedDependencies", "yarn patch")
_INSTALL_SCRIPTS = ("preinstall", "install", "postinstall", "prepare")


def patches(root: Path) -> Iterator[str]:
    for path in files(root, ".mjs", ".cjs", ".js", ".ts"):
        if "src" not in path.parts and _edits_a_package(path.read_text()):
            yield f"{path.relative_to(root)}: reads an installed package and edits its text"
    for path in files(root, "Makefile", ".sh", "package.json"):
        if _SHELL_EDIT.search(path.read_text()):
            yield f"{path.relative_to(root)}: edits installed packages"
    for path in files(root, "package.json"):
        yield from (f"{path.relative_to(root)}: {finding}" for finding in _package(path.read_text()))
    yield from (f"{path.relative_to(root)}: patches something" for path in files(root, ".patch", ".diff"))


def _edits_a_package(text: str) -> bool:
    """Whether a script edits text, and reads a file of a package, or loads modules without a namespace of its own."""
    if not _EDIT.search(text):
        return False
    inside = {word for names, value in _NAMED.findall(text) if _PACKAGE.search(value) for word in names.split(", ")}
    reads = (
        set(re.findall(r"\w+", argument)) & inside or _PACKAGE.search(argument) for argument in _READ.findall(text)
    )
    return any(reads) or _LOADER.search(text) is not None


def _package(text: str) -> Iterator[str]:
    yield from (f"uses {tool}" for tool in _TOOLS if tool in text)
    yield from (
        f"the script {name} may edit installed packages"
        for name in json.loads(text).get("scripts", {})
        if name in _INSTALL_SCRIPTS
    )
