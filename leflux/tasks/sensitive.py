"""Which fields are never filled for a visitor, whoever asks: card, bank, password, one-time code, files.

The lists are in `sensitive_fields.json`; the widget applies the same rule to the same lists (`page-fields.ts`).
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from leflux.tasks.wording import WordList, normalize

_FILE = Path(__file__).with_name("sensitive_fields.json")
_LISTS = {
    name: WordList(words) for name, words in msgspec.json.decode(_FILE.read_bytes(), type=dict[str, list[str]]).items()
}
_TYPES = frozenset({"password", "file", "hidden"})
_TEXTS = ("name", "label", "placeholder", "selector", "id", "autocomplete")
_DIGITS = re.compile(r"[\d][\d .-]{11,30}[\d]")


def is_sensitive_text(text: str) -> bool:
    """Whether a name, a label or a selector means such a field."""
    return _is_sensitive(normalize(text))


def is_sensitive_field(element: dict[str, Any], described: Iterable[dict[str, Any]] = ()) -> bool:
    """Whether an element of a page's description (`described`) is such a field. An expiry date is one beside a card."""
    words = _words(element)
    if str(element.get("type", "")).casefold() in _TYPES or _is_sensitive(words) or _is_card(element):
        return True
    return _LISTS["expiry"].finds(words) and any(_is_card(other) for other in described)


def _is_sensitive(words: str) -> bool:
    if any(_LISTS[name].finds(words) for name in ("card", "secret", "bank", "pan")):
        return True
    return _LISTS["code"].finds(words) and _LISTS["digits"].finds(words)


def _words(element: dict[str, Any]) -> str:
    hints = element.get("hints")
    texts = [*(element.get(key) for key in _TEXTS), *(hints if isinstance(hints, list) else ())]
    return "|".join(normalize(str(text)) for text in texts if text)


def _is_card(element: dict[str, Any]) -> bool:
    """A description tells of a card only: one that promises a code by SMS may belong to any field."""
    return _LISTS["card"].finds(f"{_words(element)}|{normalize(str(element.get('described') or ''))}")


def is_card_number(value: str) -> bool:
    """Whether a text holds 13 to 19 digits that pass the check of payment cards."""
    return any(_passes_luhn(re.sub(r"\D", "", run)) for run in _DIGITS.findall(value))


def _passes_luhn(digits: str) -> bool:
    if not 13 <= len(digits) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
