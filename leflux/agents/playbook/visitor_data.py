"""Reads the visitor's data from answers, the page context and the conversation."""

import re
from collections.abc import Iterable
from typing import Any

from leflux.protocol import StoredMessage

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.){1,8}[\w-]{2,63}")
_PHONE = re.compile(r"\+?[\d(][\d ()/.-]{4,24}\d")
_LEAD = re.compile(
    r"^(?:(?:hi|hello)[,!. ]+)?(?:my name is|my name's|i am|i'm|it is|it's|this is|call me)\s+", re.IGNORECASE
)
_NAME_CHARS = 100

QUESTIONS = {
    "name": "What is your name?",
    "email": "What is your email address?",
    "phone": "What is your phone number?",
}
AGAIN = {
    "name": "I did not get that. What is your name?",
    "email": "That does not look like an email address. What is your email address?",
    "phone": "That does not look like a phone number. What is your phone number?",
}


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
    return asked if asked in QUESTIONS else None


def known(context: dict[str, Any], history: Iterable[StoredMessage]) -> dict[str, str]:
    """The reliable data of the visitor. What was said in the conversation is newer than what the browser kept."""
    kept = context.get("userData")
    found: dict[str, str] = {}
    for field in QUESTIONS:
        value = kept.get(field) if isinstance(kept, dict) else None
        if isinstance(value, str) and (datum := extract(field, value)) is not None:
            found[field] = datum
    pending: str | None = None
    for message in history:
        if message.role == "visitor" and pending is not None:
            if (datum := extract(pending, message.text)) is not None:
                found[pending] = datum
            pending = None
        elif message.role == "assistant":
            pending = asked_for(message)
    return found
