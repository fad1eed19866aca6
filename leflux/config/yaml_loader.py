"""YAML without its traps: repeated keys, aliases, and numbers in base 8 or 60 are not accepted silently."""

import re
from typing import Any

import yaml

_HINTS = {
    "found character '\\t'": "a tab; indent with blanks",
    "found character": "a value that begins with this character needs quotes",
    "mapping values are not allowed here": "the indentation is wrong, or a text that contains `: ` needs quotes",
    "could not find expected ':'": "a key needs a colon behind it",
    "but found '<block sequence start>'": "the items of a list begin in one column; indent this `-` like the first one",
    "expected alphabetic or numeric character": "a value that begins with `*` or `&` needs quotes",
    "but found '-'": "the items of a list begin in one column; indent this `-` like the first one",
    "but found '<block mapping start>'": "the keys of a section begin in one column; this one does not",
    "but found '<scalar>'": "a text with quotes inside needs quotes around all of it",
    "but got '<stream end>'": "a bracket or a brace is not closed",
    "found unexpected end of stream": "a quote is not closed",
    "expected a single document": "the file holds several documents, separated by `---`",
}


class Loader(yaml.SafeLoader):
    """Refuses what plain YAML accepts silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refusal("a value that begins with `{` or `[` needs quotes", key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise _refusal(f"the key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            expected = "aliases are not supported; a value that begins with `*` needs quotes"
            raise _refusal(expected, self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, TypeError, OverflowError):
            # A tag promises another kind of value: `!!float x`.
            raise _refusal(f"the value is no {node.tag.rpartition(':')[2]}", node.start_mark) from None


def _refusal(problem: str, mark: yaml.Mark) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NUMBER_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# As in YAML 1.2: `010` is no number and `12:30` is no number of minutes.
Loader.add_implicit_resolver(_NUMBER_TAGS[0], re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z"), list("-+0123456789"))
Loader.add_implicit_resolver(
    _NUMBER_TAGS[1],
    re.compile(r"[-+]?((0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.inf)\Z|\.nan\Z"),
    list("-+.0123456789"),
)


def yaml_problem(error: yaml.YAMLError, text: str) -> tuple[str, str]:
    """The place of an error, and what is wrong there, with a hint where the words of the parser do not help."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}", "a control character"
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    hint = next((hint for part, hint in _HINTS.items() if part in problem or part in str(error)), None)
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
    return place, f"{problem} ({hint})" if hint else problem
