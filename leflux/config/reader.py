"""Reads a document into structs. It finds every problem in one go, where `msgspec.convert` stops at the first."""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import yaml
from msgspec import Meta, Struct, UnsetType
from msgspec.structs import fields

from backends import SHIPPED, StoreSettings, find_store, installed, read_settings
from backends.errors import StoreMisconfigured
from leflux.common.durations import Duration
from leflux.common.words import listed, nearest, suggestion
from leflux.config.document import INVALID, Document

Types = Mapping[str, Any]

_SHOWN = 60


def decode_setting(kind: type, value: Any) -> Any:
    """Decodes the settings' own types."""
    if kind is Duration:
        return Duration.parse(value)
    raise NotImplementedError(kind)


class Reader:
    """`root` is the struct of the whole document. Its fields may have checks of their own: see `_checks`."""

    def __init__(self, document: Document, root: type[Struct]) -> None:
        self._document = document
        self._root = root
        self._fail = document.fail

    def read(self) -> Any:
        """The document as its struct, without the optional values that are wrong; or `INVALID`."""
        return self._read(self._root, self._document.tree, "$")

    def _read(self, kind: Any, value: Any, path: str) -> Any:
        if value is INVALID:
            return INVALID
        choices = _choices(kind)
        if value is None and NoneType in choices:
            return None
        kind = _choose(choices, value)
        bare = _bare(kind)
        if bare is StoreSettings:
            return self._read_store(value, path)
        if isinstance(bare, type) and issubclass(bare, Struct):
            return self._read_struct(bare, value, path)
        if get_origin(bare) is list:
            return self._read_list(kind, get_args(bare)[0], value, path)
        return self._read_leaf(kind, value, path)

    def _read_struct(self, kind: type[Struct], value: Any, path: str) -> Any:
        known = {field.encode_name: field for field in fields(kind)}
        required = [name for name, field in known.items() if field.required]
        found = self._read_keys({name: field.type for name, field in known.items()}, required, value, path)
        if found is INVALID:
            return INVALID
        return kind(**{known[name].name: item for name, item in found.items()})

    def _read_keys(self, types: Types, required: list[str], value: Any, path: str) -> Any:
        """The valid values of a section by key; `INVALID` when it is none, or lacks what is required."""
        if not isinstance(value, dict):
            expected = f"Expected a section with keys such as {listed(types)}" if types else "Expected a section"
            return self._fail(path, f"{expected}, got {self._shown(value, path)}")
        meant = {self._unknown(str(key), types, path) for key in value if key not in types}
        for name in required:
            if name not in value and name not in meant:
                self._fail(path, f"the key `{name}` is missing")
        read = {name: self._read(kind, value[name], f"{path}.{name}") for name, kind in types.items() if name in value}
        found = {name: item for name, item in read.items() if item is not INVALID}
        return found if found.keys() >= set(required) else INVALID

    def _unknown(self, key: str, types: Types, path: str) -> str | None:
        """Tell of an unknown key; returns the one that was probably meant."""
        meant = nearest(key, types)
        said = suggestion(key, types)
        homes = [] if meant else list(_homes(self._root, key, "$"))
        if homes:
            said = f"; it belongs to {listed(f'`{home}`' for home in homes)}"
        self._fail(f"{path}.{key}", f"unknown key `{key}`{said} (known here: {', '.join(types) or 'none'})")
        return meant

    def _read_list(self, kind: Any, item: Any, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            return self._fail(path, f"Expected {_expected(kind)}, got {self._shown(value, path)}")
        items = [self._read(item, each, f"{path}[{index}]") for index, each in enumerate(value)]
        for meta in _metas(kind):
            if not (meta.min_length or 0) <= len(items) <= (meta.max_length or len(items)):
                return self._fail(path, f"Expected {_expected(kind)}, got {len(items)} items")
        return [each for each in items if each is not INVALID]

    def _read_store(self, value: Any, path: str) -> Any:
        backend = value.get("backend", "memory") if isinstance(value, dict) else "memory"
        if backend is INVALID:
            return INVALID
        types: dict[str, Any] = {"backend": str, "deadline": Duration}
        try:
            types[str(backend)] = find_store(backend).options if isinstance(backend, str) else Struct
        except StoreMisconfigured as error:
            return self._fail(f"{path}.backend", f"{error}{suggestion(backend, installed())}")
        others = self._refuse_other_stores(value, str(backend), path) if isinstance(value, dict) else set()
        own = {key: item for key, item in value.items() if key not in others} if others else value
        found = self._read_keys(types, [], own, path)
        if found is INVALID or self._document.has_problem(path):
            return INVALID
        # `backends` knows seconds only.
        deadline = {"deadline": float(found["deadline"])} if "deadline" in found else {}
        try:
            return read_settings(value | deadline, path)
        except StoreMisconfigured as error:
            return self._fail(path, str(error))

    def _refuse_other_stores(self, value: dict[str, Any], backend: str, path: str) -> set[str]:
        others = {key for key in value if key in installed() and key != backend}
        for key in sorted(others):
            chosen = f"`backend` is {backend!r}"
            if "backend" not in value:
                chosen = f"without `backend: {key}`, {chosen}"
            self._fail(f"{path}.{key}", f"the section belongs to the store {key!r}, and {chosen}")
        return others

    def _read_leaf(self, kind: Any, value: Any, path: str) -> Any:
        try:
            found = msgspec.convert(value, kind, dec_hook=decode_setting)
            for check in _checks(kind):
                check(found)
        except msgspec.ValidationError:
            return self._fail(path, f"Expected {_expected(kind)}, got {self._shown(value, path)}{_hint(kind, value)}")
        except ValueError as error:
            return self._fail(path, str(error))
        return found

    def _shown(self, value: Any, path: str) -> str:
        """The value for a message, with what YAML has made of it."""
        if value is None:
            comment = self._document.comment(path)
            if comment is None:
                return "nothing"
            return f'nothing: in YAML, `#` begins a comment; put the value in quotes: "{comment[:_SHOWN]}"'
        if isinstance(value, dict):
            return "a section"
        if isinstance(value, list):
            return "a list"
        if isinstance(value, bool):
            return str(value).lower()
        text = repr(value) if isinstance(value, str) else str(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _choices(kind: Any) -> list[Any]:
    """The members of a union; `UNSET` stands for a key that is left out, and is no value."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return [member for member in members if member is not UnsetType]


def _choose(choices: list[Any], value: Any) -> Any:
    """The member that fits the form of the value: a section or not."""
    choices = [choice for choice in choices if choice is not NoneType]
    structs = [choice for choice in choices if isinstance(_bare(choice), type) and issubclass(_bare(choice), Struct)]
    leaves = [choice for choice in choices if choice not in structs]
    if structs and (isinstance(value, dict) or not leaves):
        return structs[0]
    return Union[tuple(leaves)]  # noqa: UP007 - made of a list


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _metas(kind: Any) -> list[Meta]:
    return [meta for meta in get_args(kind)[1:] if isinstance(meta, Meta)] if get_origin(kind) is Annotated else []


def _checks(kind: Any) -> Iterator[Any]:
    """The functions that raise `ValueError` for a wrong value, from `Meta(extra={"check": function})`."""
    for meta in _metas(kind):
        if meta.extra is not None and "check" in meta.extra:
            yield meta.extra["check"]


def _expected(kind: Any) -> str:
    """The type in plain words."""
    metas = _metas(kind)
    for meta in metas:
        if meta.description is not None:
            return meta.description
    bare = _bare(kind)
    if bare is Duration:
        return "a duration such as 30m, 24h, 1500ms or a number of seconds; above 0 and at most ten years"
    if get_origin(bare) is list:
        return "a list, such as [a, b]"
    if get_origin(bare) is Literal:
        return listed(str(choice) for choice in get_args(bare))
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    text = listed(names.get(member, str(member)) for member in _choices(bare))
    return text + "".join(_bounds(meta) for meta in metas)


def _bounds(meta: Meta) -> str:
    if meta.le is not None:
        return f" from {meta.ge} to {meta.le}"
    if meta.ge is not None:
        return f" of at least {meta.ge}"
    least = " that is not empty" if meta.min_length else ""
    return f"{least} of at most {meta.max_length} characters" if meta.max_length else least


def _hint(kind: Any, value: Any) -> str:
    """What was probably meant."""
    bare = _bare(kind)
    if get_origin(bare) is Literal and isinstance(value, str):
        return suggestion(value, get_args(bare))
    if bare is str and not isinstance(value, str | dict | list | None):
        return "; put it in quotes"
    if bare in (int, float, bool) and isinstance(value, str):
        parsed = yaml.safe_load(value) if value.strip().isalnum() else None
        return "; write it without quotes" if isinstance(parsed, bare) else ""
    return ""


def _homes(kind: Any, key: str, path: str) -> Iterator[str]:
    """The sections that know a key."""
    for choice in _choices(kind):
        bare = _bare(choice)
        if bare is StoreSettings:
            for name in SHIPPED:
                yield from _homes(find_store(name).options, key, f"{path}.{name}")
        elif get_origin(bare) is list:
            yield from _homes(get_args(bare)[0], key, f"{path}[]")
        elif isinstance(bare, type) and issubclass(bare, Struct):
            for field in fields(bare):
                if field.encode_name == key:
                    yield path
                yield from _homes(field.type, key, f"{path}.{field.encode_name}")
