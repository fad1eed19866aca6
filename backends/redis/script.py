"""Commands, and the Lua scripts in `lua/`: read once, called by digest."""

import hashlib
from pathlib import Path
from typing import NamedTuple

Arg = bytes | str | int | float
_FOLDER = Path(__file__).with_name("lua")


class Command(NamedTuple):
    """One command for Redis. `key` decides which node of a cluster gets it; `fallback` is sent after NOSCRIPT."""

    key: str
    args: tuple[Arg, ...]
    fallback: tuple[Arg, ...] | None = None


class LuaScript:
    """One Lua script. Calling it makes the command that runs it."""

    def __init__(self, name: str, prelude: str | None = None) -> None:
        parts = [part for part in (prelude, name) if part is not None]
        self.source = b"\n".join((_FOLDER / f"{part}.lua").read_bytes() for part in parts)
        self.digest = hashlib.sha1(self.source, usedforsecurity=False).hexdigest()

    def __call__(self, keys: tuple[str, ...], *args: Arg) -> Command:
        rest = (len(keys), *keys, *args)
        return Command(keys[0], ("EVALSHA", self.digest, *rest), ("EVAL", self.source, *rest))


def command(name: str, key: str, *args: Arg) -> Command:
    """A plain command whose first argument is its key."""
    return Command(key, (name, key, *args))


def optional(text: str | bytes | None) -> str | bytes:
    """How the scripts take a text that may be absent: '' or the text behind an '='."""
    if text is None:
        return ""
    return b"=" + text if isinstance(text, bytes) else "=" + text
