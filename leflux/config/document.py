"""A YAML file with the lines of its keys, and the problems that were found in it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from leflux.common.words import suggestion
from leflux.config.yaml_loader import Loader, yaml_problem

MAX_FILE_BYTES = 1_000_000
INVALID: Final[Any] = object()
"""Stands for a value whose problem has been told."""

_LAST_STEP = re.compile(r"(\.[^.\[\]]*|\[\d+\])\Z")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_WITHOUT_BRACES = re.compile(r"\$[A-Z_][A-Z0-9_]*")


class ConfigError(Exception):
    """The configuration is invalid. Each problem is a line that names file, line, path and what was expected."""


class Document:
    """`tree`: the content. `problems` are told together, by `finish`. Raises `ConfigError` for what is no YAML."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines: dict[str, tuple[int, int]] = {"$": (1, 1)}
        self._comments: dict[str, str] = {}
        self._problems: list[tuple[int, int, str, str]] = []
        self._text = self._read()
        self.tree = self._parse()

    def _read(self) -> str:
        try:
            if self.file.stat().st_size > MAX_FILE_BYTES:
                raise ConfigError(f"{self.file}: Expected at most {MAX_FILE_BYTES} bytes")
            raw = self.file.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self.file}: cannot be read: {error.strerror}{self._similar_file()}") from None
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise ConfigError(f"{self.file}, line {line}: Expected UTF-8 text") from None

    def _similar_file(self) -> str:
        return similar_file(self.file)

    def _parse(self) -> dict[str, Any]:
        try:
            loader = Loader(self._text)
            node = loader.get_single_node()
            tree = None if node is None else loader.construct_document(node)
        except yaml.YAMLError as error:
            place, said = yaml_problem(error, self._text)
            raise ConfigError(f"{self.file}, {place}: not valid YAML: {said} - at `$`") from None
        if node is not None:
            self._locate(node, "$")
        if not isinstance(tree, dict):
            found = "the file is empty" if tree is None else "got a list" if isinstance(tree, list) else "got text"
            expected = f"Expected a mapping at the top, with keys such as `sites:`; {found}"
            raise ConfigError(f"{self.file}, line 1: {expected} - at `$`")
        return tree

    def _locate(self, node: yaml.Node, path: str) -> None:
        """Keep the place of each key and each item, and the comments that stand in place of a value."""
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._keep(f"{path}.{key.value}", key, value)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._keep(f"{path}[{index}]", item, item)

    def _keep(self, path: str, place: yaml.Node, value: yaml.Node) -> None:
        self._lines[path] = (place.start_mark.line + 1, place.start_mark.column + 1)
        if isinstance(value, yaml.ScalarNode):
            rest = self._text.splitlines()[value.end_mark.line : value.end_mark.line + 1]
            comment = rest[0][value.end_mark.column :].strip() if rest else ""
            if comment.startswith("#") and value.style is None:
                self._comments[path] = comment
        self._locate(value, path)

    def comment(self, path: str) -> str | None:
        """The comment behind an unquoted value."""
        return self._comments.get(path)

    def fail(self, path: str, message: str) -> Any:
        """Note a problem; returns `INVALID`."""
        place = path
        while place not in self._lines:
            place = _LAST_STEP.sub("", place) if _LAST_STEP.search(place) else "$"
        self._problems.append((*self._lines[place], path, message))
        return INVALID

    def has_problem(self, *paths: str) -> bool:
        """Whether a problem was found at or below one of the paths."""
        return any(
            re.match(re.escape(path) + r"(?![\w-])", found) for path in paths for _, _, found, _ in self._problems
        )

    def finish(self) -> None:
        """Raise `ConfigError` when there are problems, in the order of the file."""
        lines = [
            f"{self.file}, line {line}, column {column}: {message} - at `{path}`"
            for line, column, path, message in sorted(self._problems)
        ]
        if lines:
            raise ConfigError("\n".join(lines))

    def expand(self, env: Mapping[str, str]) -> None:
        """Replace `${NAME}` and `${NAME:-default}` after parsing, so that a value cannot add structure."""
        self.tree = self._expanded(self.tree, env, "$")

    def _expanded(self, node: Any, env: Mapping[str, str], path: str) -> Any:
        if isinstance(node, dict):
            return {key: self._expanded(value, env, f"{path}.{key}") for key, value in node.items()}
        if isinstance(node, list):
            return [self._expanded(value, env, f"{path}[{index}]") for index, value in enumerate(node)]
        if not isinstance(node, str):
            return node
        if "${" in _VARIABLE.sub("", node) or _WITHOUT_BRACES.fullmatch(node):
            return self.fail(
                path, f"Expected ${{NAME}} or ${{NAME:-default}} for an environment variable, got {node!r}"
            )
        return self._substituted(node, env, path)

    def _substituted(self, text: str, env: Mapping[str, str], path: str) -> Any:
        for name, default in _VARIABLE.findall(text):
            if not env.get(name) and f"${{{name}:-{default}}}" not in text:
                return self.fail(path, f"the environment variable {name} is not set{suggestion(name, env)}")
        filled = _VARIABLE.sub(lambda match: env.get(match[1]) or match[2], text)
        return _scalar(filled) if _VARIABLE.fullmatch(text) else filled


def similar_file(file: Path) -> str:
    """Name the file beside an absent one that was probably meant."""
    try:
        beside = [other.name for other in file.parent.iterdir() if other.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    return "" if file.exists() else suggestion(file.name, beside)


def _scalar(text: str) -> Any:
    """A whole value of the environment keeps its type: number, true or false, else text."""
    try:
        scalar = yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        return text
    return scalar if isinstance(scalar, bool | int | float) else text
