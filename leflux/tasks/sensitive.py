"""Which fields are never filled for a visitor, whoever asks: card, bank, password, one-time code, files."""

import re
from typing import Any

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\W_]+")
_WORDS = re.compile(
    r"\b(?:"
    r"pass ?(?:word|code|phrase|wort)|passwd|pwd|kennwort|contraseña|mot de passe|senha|wachtwoord|hasło|пароль"
    r"|密码|密碼|パスワード"
    r"|pin|mtan|tan code|otp|totp|one time|(?:verification|security|authentication|auth|sms) code|2 ?fa|mfa"
    r"|cc|cvc2?|cvv2?|csc|(?:credit|debit|bank) ?card|card ?(?:number|num|no|holder|code|expiry|expiration|details)"
    r"|(?:name|expiry|number) on (?:the )?card"
    r"|kreditkarten?(?:nummer)?|kartennummer|tarjeta|carte (?:bancaire|de crédit)|cartão"
    r"|iban|bic|swift|sort code|routing (?:number|no)|account (?:number|no)|bank ?account|kontonummer"
    r"|ssn|social security"
    r")\b",
    re.IGNORECASE,
)
_TYPES = frozenset({"password", "file", "hidden"})
_AUTOCOMPLETE = re.compile(r"(?:^|\s)(?:cc-|current-password|new-password|one-time-code)")
_TEXTS = ("name", "label", "placeholder", "selector", "id", "autocomplete")
_DIGITS = re.compile(r"[\d][\d .-]{11,30}[\d]")


def is_sensitive_text(text: str) -> bool:
    """Whether a name, a label or a selector means such a field."""
    spaced = _SEPARATORS.sub(" ", _CAMEL.sub(" ", text))
    return _WORDS.search(spaced) is not None


def is_sensitive_field(element: dict[str, Any]) -> bool:
    """Whether an element of the page's description is such a field."""
    if str(element.get("type", "")).casefold() in _TYPES:
        return True
    if _AUTOCOMPLETE.search(str(element.get("autocomplete", "")).casefold()):
        return True
    return any(is_sensitive_text(str(element.get(key) or "")) for key in _TEXTS)


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
