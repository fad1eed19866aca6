"""Every method of the storage protocols has a numbered rule, and a contract test cites each rule."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.files import files, sources

_RULE = re.compile(r"\b[GSLK]\d{1,2}\b")
_TEST = re.compile(r"def test_\w+")
_IN_NAME = re.compile(r"(?<=_)[gslk]\d{1,2}(?=_)")


def untested(root: Path) -> Iterator[str]:
    tests = "\n".join(path.read_text() for path in files(root, ".py", under=("leflux/contract",)))
    names = " ".join(_TEST.findall(tests))
    cited = {rule.upper() for rule in (*_RULE.findall(tests), *_IN_NAME.findall(names))}
    for path in sources(root / "backends/base"):
        for name, method in _methods(ast.parse(path.read_text())):
            yield from (f"{path.relative_to(root)}: {name}.{method.name} {why}" for why in _lacks(method, cited))


def _methods(module: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The methods of every class, without those that only give an inherited one a default."""
    named: dict[str, set[str]] = {}
    for protocol in (node for node in module.body if isinstance(node, ast.ClassDef)):
        inherited = {name for base in protocol.bases if isinstance(base, ast.Name) for name in named.get(base.id, ())}
        named[protocol.name] = set(inherited)
        for method in protocol.body:
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and not method.decorator_list:
                named[protocol.name].add(method.name)
                if method.name not in inherited:
                    yield protocol.name, method


def _lacks(method: ast.FunctionDef | ast.AsyncFunctionDef, cited: set[str]) -> Iterator[str]:
    rules = _RULE.findall(ast.get_docstring(method) or "")
    if not rules:
        yield "names no rule"
    yield from (f"promises {rule}, which no contract test cites" for rule in rules if rule not in cited)
