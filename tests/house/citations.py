"""A comment, a docstring or a page cites only pages, sections and rules that are in the repository."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house.files import files, sources

RULE_HOMES = {
    "R": "docs/architecture.md",
    "T": "leflux/tasks/ledger.py",
    "G": "backends/base",
    "S": "backends/base",
    "L": "backends/base",
    "K": "backends/base",
}
_PAGE = re.compile(r"(?<![\w/:.@-])((?:[\w.-]+/)*[\w.-]+\.md|docs/[\w./-]+\.(?:yaml|conf))(#[\w-]+)?")
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(#[\w-]+)?\)")
_PATH = re.compile(r"`((?:leflux|backends|tests|docs|bench|config)/[\w./-]*\w)`")
_RULE = re.compile(rf"(?<![\w/.#-])([{''.join(RULE_HOMES)}])([1-9]\d?)(?![\w/-])")
_DEFINED = re.compile(r"^\W*([A-Z]\d{1,2})\b", re.MULTILINE)
_ALSO_DEFINED = re.compile(r"\b([A-Z]\d{1,2})(?:  |\))")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PAPER = re.compile(r"\b(?:PROTOCOL|DESIGN|FAULTS|HOUSE)\b[^.]?|\b(?!RFC)[A-Z]{4,},? (?:§|rule \d|row \d)")
_COMMENTED = {
    ".ts": r"//.*|/\*.*?\*/",
    ".tsx": r"//.*|/\*.*?\*/",
    ".mjs": r"//.*|/\*.*?\*/",
    ".lua": r"--.*",
    ".yaml": r"#.*",
}


def dangling(root: Path) -> Iterator[str]:
    """Citations that lead nowhere, with the file and line that make them."""
    for path in files(root, ".py", *_COMMENTED):
        for line, text in _comments(path):
            for finding in (*_pages(root, path, text), *_rules(root, text), *_papers(text)):
                yield f"{path.relative_to(root)}:{line}: {finding}"
    for path in files(root, ".md"):
        text = path.read_text()
        for match in _LINK.finditer(text):
            cited = path if not match[1] else path.parent / match[1]
            if missing := _missing(root, cited, match[2]):
                yield f"{path.relative_to(root)}: {missing}"
        for finding in (*_rules(root, text), *_papers(text), *_paths(root, path, text)):
            yield f"{path.relative_to(root)}: {finding}"


def _pages(root: Path, path: Path, text: str) -> Iterator[str]:
    for name, anchor in _PAGE.findall(text):
        near = [folder / name for folder in (root, root / "docs", path.parent)]
        cited = next((candidate for candidate in near if candidate.exists()), near[0])
        if finding := _missing(root, cited, anchor):
            yield finding


def _paths(root: Path, page: Path, text: str) -> Iterator[str]:
    """Files that a page names. The changelog names those of its time."""
    for name in _PATH.findall(text) if page.name != "CHANGELOG.md" else ():
        if not (root / name).exists() and not (root / name).with_suffix(".py").exists():
            yield f"names {name}, which does not exist"


def _missing(root: Path, cited: Path, anchor: str | None) -> str | None:
    if not cited.exists():
        return f"cites {cited.name}, which does not exist"
    if anchor and cited.suffix == ".md" and anchor[1:] not in _anchors(cited):
        return f"cites {anchor} of {cited.relative_to(root)}, which has no such section"
    return None


def _rules(root: Path, text: str) -> Iterator[str]:
    for family, number in _RULE.findall(text):
        home = root / RULE_HOMES[family]
        if f"{family}{number}" not in _defined(home):
            yield f"cites rule {family}{number}, which {RULE_HOMES[family]} does not have"


def _papers(text: str) -> Iterator[str]:
    yield from (f"cites {match[0]!r}, which is no page of the repository" for match in _PAPER.finditer(text))


@cache
def _anchors(page: Path) -> set[str]:
    """The sections of a Markdown page, as GitHub names them."""
    titles = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(page.read_text()))
    return {title.strip().replace(" ", "-") for title in titles}


@cache
def _defined(home: Path) -> set[str]:
    text = "\n".join(path.read_text() for path in (home, *sources(home)) if path.is_file())
    return {*_DEFINED.findall(text), *_ALSO_DEFINED.findall(text)}


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    """Comments and docstrings with their lines."""
    text = path.read_text()
    if path.suffix == ".py":
        yield from _python_comments(text)
        return
    for match in re.finditer(_COMMENTED[path.suffix], text, re.DOTALL if "/*" in text else 0):
        yield text.count("\n", 0, match.start()) + 1, match[0]


def _python_comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
