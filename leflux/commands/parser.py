"""A parser of command lines that suggests the nearest command or option."""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from leflux.common.words import suggestion

_CHOICE = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)")
_UNKNOWN = re.compile(r"unrecognized arguments: (\S+)")


class CommandParser(argparse.ArgumentParser):
    """Ends with 2 and one line for a wrong call."""

    def error(self, message: str) -> NoReturn:
        if choice := _CHOICE.search(message):
            known = re.findall(r"[\w-]+", choice[2])
            noun = "command" if "command" in message.partition(":")[0] else "choice"
            message = f"unknown {noun} {choice[1]!r}{suggestion(choice[1], known)} (known here: {', '.join(known)})"
        elif unknown := _UNKNOWN.search(message):
            options = re.findall(r"--[\w-]+", self.format_help())
            message = f"unknown argument {unknown[1]!r}{suggestion(unknown[1], options)}"
        self.exit(2, f"{self.prog}: {message}\n")


def config_first(arguments: Sequence[str]) -> list[str]:
    """Move `--config FILE` to the front, so that it may stand behind the command as well."""
    rest = list(arguments)
    for index, argument in enumerate(rest):
        if argument == "--config" and index + 1 < len(rest):
            return [argument, rest[index + 1], *rest[:index], *rest[index + 2 :]]
        if argument.startswith("--config="):
            return [argument, *rest[:index], *rest[index + 1 :]]
    return rest
