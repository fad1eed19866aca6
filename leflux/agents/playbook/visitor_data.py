"""Reads the visitor's data from answers, the page context and the conversation."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from leflux.protocol import StoredMessage

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
_PHONE = re.compile(r"\+?[\d(][\d ()/.-]{4,24}\d")
_LEAD = re.compile(
    r"^(?:(?:hi|hello)[,!. ]+)?(?:my name is|my name's|i am|i'm|it is|it's|this is|call me)\s+", re.IGNORECASE
)
_NAME_CHARS = 100

_WORD = re.compile(r"[^\W_]+")
PERSONAL = ("name", "email", "phone")
# A text that asks something of its own, and one that wants an answer changed.
_ASKS = re.compile(
    r"[?？؟]\s*$|^\W*(?:what|how|when|where|who|why|which|is|are|do|does|can|could|wie|was|wann|wo|warum|comment|combien"
    r"|quand|cómo|cuánto|cuándo|come|quanto|quando|hoe|wat|wanneer|jak|ile|kiedy)\b",
    re.I,
)
_CHANGES = re.compile(
    r"\b(?:change|correct|edit|different|another|other|wrong|instead|ändern?|andere\w*|falsch|changer|autre|cambia\w*"
    r"|otr[oa]|altr[oa]|wijzig\w*|zmie\w*|mudar|outr[oa])\b",
    re.I,
)


def is_question(text: str) -> bool:
    return bool(_ASKS.search(text.strip()))


def changed(text: str, names: Iterable[str]) -> list[str]:
    """Those of the data of which the visitor wants to give another value."""
    said = text.casefold()
    return [name for name in names if name.replace("_", " ") in said] if _CHANGES.search(text) else []


def option_in(text: str, options: Sequence[str]) -> str | None:
    """The option that a text names last, as whole words."""
    places = {option: _spaced(text).rfind(_spaced(option)) for option in options}
    best = max(places, key=lambda option: (places[option], len(option)), default=None)
    return best if best is not None and places[best] >= 0 else None


def _spaced(text: str) -> str:
    return f" {' '.join(re.findall(_WORD, text.casefold()))} "


def extract(field: str, text: str) -> str | None:
    """The datum in a visitor's answer, or None."""
    text = " ".join(text.split())
    if field == "email":
        found = _EMAIL.search(text[:400])
        return found[0] if found else None
    if field == "phone":
        phone = _PHONE.search(text[:400])
        return phone[0] if phone and 6 <= len(re.sub(r"\D", "", phone[0])) <= 15 else None
    name = _LEAD.sub("", text).strip(" .!,;")
    return name if name and len(name) <= _NAME_CHARS and any(char.isalpha() for char in name) else None


def asked_for(message: StoredMessage) -> str | None:
    """The datum that one of our messages asked for."""
    if message.role != "assistant" or message.kind != "question" or not isinstance(message.data, dict):
        return None
    asked = message.data.get("ask")
    return asked if isinstance(asked, str) else None


def known(context: dict[str, Any], history: Iterable[StoredMessage]) -> dict[str, str]:
    """The reliable data of the visitor. What was said in the conversation is newer than what the browser kept."""
    kept = context.get("userData")
    found: dict[str, str] = {}
    for field in PERSONAL:
        value = kept.get(field) if isinstance(kept, dict) else None
        if isinstance(value, str) and (datum := extract(field, value)) is not None:
            found[field] = datum
    pending: str | None = None
    for message in history:
        if message.role == "visitor" and pending is not None:
            told = None if is_question(message.text) else extract(pending, message.text)
            if told is not None and pending in PERSONAL:
                found[pending] = told
            pending = None
        elif message.role == "visitor":
            for field in changed(message.text, PERSONAL):
                found.pop(field, None)
        elif message.role == "assistant":
            pending = asked_for(message)
    return found
