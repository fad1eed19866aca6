"""Finds words of a list in a text of a page, in any spelling: camelCase, accents, separators, invisible characters."""

import re
import unicodedata
from collections.abc import Iterable

_CAMEL = (re.compile(r"([a-z0-9])([A-Z])"), re.compile(r"([A-Z])([A-Z][a-z])"))
_SEPARATORS = re.compile(r"[\W_]+")
# Letters that Unicode does not decompose.
_LETTERS = str.maketrans({"ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "ß": "ss", "ı": "i"})


def normalize(text: str) -> str:
    """Lower-case words, separated and surrounded by single spaces."""
    for camel in _CAMEL:
        text = camel.sub(r"\1 \2", text)
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(char for char in decomposed if unicodedata.category(char) not in ("Mn", "Mc", "Me", "Cf"))
    return f" {_SEPARATORS.sub(' ', plain.lower()).strip()} "


class WordList:
    """Words and phrases. An entry that begins with `*` is found inside of other words too."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._needles = [
            normalize(entry).strip() if entry.startswith("*") else normalize(entry) for entry in dict.fromkeys(entries)
        ]

    def finds(self, normalized: str) -> bool:
        """Whether an entry is in a text that `normalize` has returned."""
        return any(needle in normalized for needle in self._needles)
